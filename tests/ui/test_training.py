"""The Train tab's handlers: what a form asks for, what a page is sent of a job, and what a refusal says."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import drain
from eigenlorax.jobs.job import Facts, State, Told, Work, Worker
from eigenlorax.jobs.server import JobServer
from eigenlorax.jobs.teaching import teach_request
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from eigenlorax.training.teach_settings import PRESETS
from tests import tiny
from tests.conftest import CPU
from tests.ui.test_train_markup import RESULT
from ui.train_asked import asked_from
from ui.train_ends import alone
from ui.train_settings import preset_values
from ui.train_tab import TrainTab, train_tab
from ui.train_view import View, view
from ui.training import came
from ui.watching import Watch


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, base: BaseModel) -> Studio:
    """With one style."""
    folder = tmp_path_factory.mktemp("training")
    studio = Studio(str(tiny_model), folder / "data", CPU)
    few = {path: shape for path, shape in base.layout.items() if "mid_block" in path.name}
    for lora in tiny.relatives(few, ("a", "b"), 4, 1):
        studio.import_paths([tiny.write_lora(folder / f"{lora.name}.safetensors", lora)])
    drain(studio.subspaces.compress(["a", "b"]))
    return studio


@pytest.fixture
def tab(studio: Studio) -> TrainTab:
    async def built() -> TrainTab:
        with gr.Blocks():
            return train_tab(studio)

    return asyncio.run(built())


class Pupil:
    """A worker that goes on when it is told to."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.fault = ""

    def run(self, _: Facts) -> Work:
        yield Told(
            1,
            10,
            "learning",
            {"train": (1.0, 0.2), "held": (0.0, 0.3)},
            (("step 0 · a cat", Image.new("RGB", (8, 8))),),
        )
        while not self.go.wait(0.01):
            yield Told(2, 10, "learning", {"train": (2.0, 0.1)})
        if self.fault:
            raise InvalidRequestError(self.fault)
        return RESULT

    def worker(self) -> Worker:
        return Worker(self.run, lambda _: None, resumable=True)


@pytest.fixture
def pupil() -> Pupil:
    return Pupil()


@pytest.fixture
def jobs(tmp_path: Path, pupil: Pupil) -> Iterator[JobServer]:
    with JobServer(tmp_path, {"train": pupil.worker()}, write_every_s=0.0) as jobs:
        yield jobs
        pupil.go.set()


def values(tab: TrainTab, **changed: Any) -> dict[str, Any]:
    """The form as the page first shows it."""
    found = {name: field.value for name, field in tab.giving.fields.items()}
    assert set(changed) <= set(found)
    return found | changed


ROWS = json.dumps([{"path": "/me/fox.png", "text": "a fox"}, {"path": "/me/1.png", "text": "  "}])


def test_the_form_becomes_what_the_worker_reads(studio: Studio, tab: TrainTab) -> None:
    form = values(
        tab, pictures=ROWS, name=" Neon ", trigger="neon look", samples="a cat\n\n a dog ", steps=7.0
    )
    asked = json.loads(json.dumps(asked_from(studio, form)))
    request = teach_request(asked)
    assert request.name == "Neon"
    assert request.wording.trigger == "neon look"
    assert request.settings.steps == 7
    assert asked["settings"] == {"steps": 7}  # the rest is the preset's
    assert asked["samples"] == ["a cat", "a dog"]
    assert [(str(one.file), one.text) for one in request.captions] == [
        ("/me/fox.png", "neon look, a fox"), ("/me/1.png", "a picture, neon look"),
    ]  # fmt: skip
    assert [str(path) for path in request.sources] == ["/me/fox.png", "/me/1.png"]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_fills_its_settings_in_and_changes_nothing_else(
    studio: Studio, tab: TrainTab, preset: str
) -> None:
    told, *filled = preset_values(preset)
    names = ("steps", "rows", "rate", "check", "ranks", "texts", "preserve")
    assert told["info"] and len(filled) == len(names)
    form = values(
        tab, pictures=ROWS, name="n", trigger="t", preset=preset, **dict(zip(names, filled, strict=True))
    )
    assert asked_from(studio, form)["settings"] == {}


def test_what_is_missing_is_said(studio: Studio, tab: TrainTab, tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(InvalidRequestError, match="no picture"):
        asked_from(studio, values(tab, trigger="t"))
    with pytest.raises(InvalidRequestError, match="trigger word"):
        asked_from(studio, values(tab, pictures=ROWS))
    with pytest.raises(InvalidRequestError, match="no shared space"):
        asked_from(Studio(str(tiny_model), tmp_path, CPU), values(tab, pictures=ROWS, trigger="t"))


def test_a_refused_path_is_one_line_and_the_table_stays(tab: TrainTab) -> None:
    def refuse() -> Any:
        raise InvalidRequestError("there is no <b> here")

    with pytest.warns(UserWarning, match="There is no"):
        told = came(tab, refuse)
    assert told[tab.giving.files] == '<p class="line bad" role="status">There is no &lt;b&gt; here</p>'
    assert tab.giving.fields["pictures"] not in told


def test_a_training_is_watched_to_its_end(
    studio: Studio, tab: TrainTab, jobs: JobServer, pupil: Pupil
) -> None:
    watch, watching = Watch(studio, jobs, tab), tab.watching
    first = watch.look(None)
    assert "Teach a style of your own" in first[watching.status]
    assert first[watch.timer].active is False
    number = jobs.submit("train", {"settings": {"steps": 9}}, "Neon <b>")
    await_points(jobs, number)
    running = watch.look(first[watch.seen])
    assert "Neon &lt;b&gt; is learning" in running[watching.status] and "2 of 10" in running[watching.status]
    assert running[watch.timer].active is True
    assert "<svg" in running[watching.curve]
    assert 'alt="a cat, step 0"' in running[watching.film]
    assert running[watching.pause]["visible"] and running[watching.cancel]["visible"]
    assert not running[watching.resume]["visible"]
    pupil.go.set()
    assert jobs.wait(number, 10.0).state is State.DONE
    done = watch.look(running[watch.seen])
    assert done[watch.timer].active is False
    assert "is in the rack" in done[watching.words] and done[watching.ends]["visible"]
    assert set(watch.look(done[watch.seen])) == {watch.seen}  # nothing new is nothing sent
    reloaded = watch.look(None)
    assert "is in the rack" in reloaded[watching.words]


def await_points(jobs: JobServer, number: int) -> None:
    for _ in range(1000):
        if len(jobs.series(number).get("train", [])) == 2 and jobs.look(number).done == 2:
            return
        threading.Event().wait(0.01)
    raise AssertionError("the worker has not told its second event")


def test_pause_resume_and_cancel(studio: Studio, tab: TrainTab, jobs: JobServer, pupil: Pupil) -> None:
    watch = Watch(studio, jobs, tab)
    number = jobs.submit("train", {}, "Neon")
    seen = View(job=number)
    watch.acting(jobs.pause)(seen)
    assert jobs.wait(number, 10.0).state is State.PAUSED
    paused = view(jobs)
    assert paused.can_resume and paused.can_cancel and not paused.can_pause and not paused.live
    watch.acting(jobs.resume)(seen)
    assert view(jobs).live
    watch.acting(jobs.cancel)(seen)
    assert jobs.wait(number, 10.0).state is State.CANCELLED
    assert "Cancelled" in view(jobs).status and view(jobs).style == ""
    with pytest.warns(UserWarning, match="99"):
        told = watch.acting(jobs.pause)(View(job=99))
    assert set(told) == {tab.told} and 'class="line bad"' in told[tab.told]


def test_a_failure_is_said_in_the_jobs_own_words(jobs: JobServer, pupil: Pupil) -> None:
    pupil.fault = "the disk <i> is full"
    pupil.go.set()
    number = jobs.submit("train", {}, "Neon")
    assert jobs.wait(number, 10.0).state is State.FAILED
    told = view(jobs)
    assert "The disk &lt;i&gt; is full." in told.status and told.can_resume and not told.live


def test_a_style_is_opened_alone_and_the_others_keep_their_strengths() -> None:
    rack = json.loads(alone('{"a": {"on": true, "strength": 0.4, "solo": true}}', "b"))
    assert rack == {"a": {"on": False, "strength": 0.4, "solo": False}, "b": {"on": True, "strength": 1.0}}
