"""Pressing Generate and Morph on a tiny studio: pictures, lines, files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from eigenlorax.cases.recall import recall_text
from eigenlorax.errors import InvalidRequestError
from eigenlorax.jobs.comparing import COMPARE
from eigenlorax.jobs.drawing import GENERATE, REDRAW, glimpse_of
from eigenlorax.jobs.job import Job, State
from eigenlorax.jobs.morphing import MORPH
from eigenlorax.jobs.opening import open_jobs
from eigenlorax.jobs.server import JobServer
from eigenlorax.prompting.wildcards import literal
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.plan import Needs
from eigenlorax.studio import Studio
from tests.ui.asking import form
from ui import drawing_markup, drawing_text
from ui.compare import base_and_styles, captions, original_and_style
from ui.generate import asked_from, drawn_facts, title_of
from ui.morphing import asked_from as morph_asked
from ui.morphing import told_ends
from ui.viewing import Asked


@pytest.fixture(scope="module")
def studio(styled_studio: Studio) -> Studio:
    return styled_studio


def rack(**strengths: float) -> str:
    return json.dumps({name: {"strength": strength} for name, strength in strengths.items()})


@pytest.fixture(scope="module")
def jobs(studio: Studio) -> Iterator[JobServer]:
    with open_jobs(studio) as jobs:
        yield jobs


def done(jobs: JobServer, kind: str, asked: Asked) -> Job:
    job = jobs.wait(jobs.submit(kind, asked.facts, asked.title), 60.0)
    assert job.state is State.DONE, job.error
    return job


def draw(studio: Studio, jobs: JobServer, **changed: Any) -> Job:
    return done(jobs, GENERATE, asked_from(studio, form(**changed)))


def picture(job: Job, place: int = 0) -> Image.Image:
    with Image.open(job.result["pictures"][place]["path"]) as image:
        return image.convert("RGB")


def test_a_batch_with_previews_and_dials(studio: Studio, jobs: JobServer) -> None:
    value = json.dumps({"neon": {"strength": 1.0, "dials": {"curve": "fade in"}}})
    job = draw(studio, jobs, batch=3, sampler="Euler a", styles=value, steps=2)
    assert [one.label for one in jobs.pictures(job.id)] == ["preview 1", "preview 2", "preview 3"]
    pictures = job.result["pictures"]
    assert [Path(one["path"]).name.partition("-")[2] for one in pictures] == ["7.png", "8.png", "9.png"]
    assert [one["seed"] for one in pictures] == [7, 8, 9]
    assert job.result["steps"] == 2
    assert drawn_facts(job)[1] == "Styles live beside the weights"
    assert "Sampler: Euler a" in pictures[1]["parameters"]
    assert "Eigen dials" in pictures[0]["parameters"]


def test_each_picture_of_a_batch_fills_its_own_wildcards(studio: Studio, jobs: JobServer) -> None:
    job = draw(studio, jobs, batch=4, prompt="a {red|green|blue|grey} cat", negative_prompt="{x|y}")
    told = [recall_text(one["parameters"]) for one in job.result["pictures"]]
    prompts = [one.prompt for one in told]
    assert len(set(prompts)) > 1 and not any("{" in prompt for prompt in prompts)
    for place, one in enumerate(told):
        alone = draw(studio, jobs, prompt=literal(one.prompt), negative_prompt=one.negative, seed=7 + place)
        apart = np.asarray(picture(alone), int) - np.asarray(picture(job, place), int)
        assert np.abs(apart).max() <= 1


def test_steps_are_those_that_were_drawn(studio: Studio, jobs: JobServer) -> None:
    canvas = {"background": Image.new("RGB", (64, 64), "red"), "layers": [], "composite": None}
    assert draw(studio, jobs, steps=8, canvas=canvas, denoise=0.5).result["steps"] == 4
    assert draw(studio, jobs, steps=2, hires=True, hires_denoise=1.0).result["steps"] == 4


def test_hires_and_a_canvas_are_refused_together(studio: Studio, jobs: JobServer) -> None:
    canvas = {"background": Image.new("RGB", (64, 64), "red"), "layers": [], "composite": None}
    with pytest.raises(InvalidRequestError, match="take off hires or the canvas"):
        draw(studio, jobs, canvas=canvas, hires=True)


def test_a_comparison_is_two_single_pictures(studio: Studio, jobs: JobServer) -> None:
    asked = original_and_style(studio, form(styles=rack(neon=0.8, chalk=0.2), batch=4))
    assert captions(asked.facts) == ("Original LoRA neon at 0.8", "Subspace style neon at 0.8")
    job = done(jobs, COMPARE, asked)
    assert [len(side["pictures"]) for side in job.result["sides"]] == [1, 1]
    assert all(side["seconds"] > 0.0 for side in job.result["sides"])
    against = base_and_styles(studio, form(styles=rack(neon=0.8)))
    assert captions(against.facts) == ("Base model, no style", "neon 0.8")
    left, right = (side["pictures"][0]["parameters"] for side in done(jobs, COMPARE, against).result["sides"])
    assert "neon" not in left.partition("Steps")[2] and "neon" in right.partition("Steps")[2]
    with pytest.raises(InvalidRequestError, match="switch on a style first"):
        original_and_style(studio, form())


def morph(studio: Studio, value: str, pictures: int = 3) -> Asked:
    return morph_asked(studio, {**form(styles=value), "morph_pictures": pictures})


def two(now: dict[str, Any], other: dict[str, Any] | None, side: str = "a") -> str:
    """The rack's value with both blends."""
    return json.dumps({**now, "": {"side": side} if other is None else {"side": side, "other": other}})


def test_a_morph_is_a_strip_and_a_moving_picture(studio: Studio, jobs: JobServer) -> None:
    job = done(jobs, MORPH, morph(studio, two({"neon": {"strength": 1.0}}, {"chalk": {"strength": 1.0}})))
    paths = [Path(one["path"]) for one in job.result["pictures"]]
    assert len(paths) == 3
    assert Path(job.result["animation"]) == paths[0].with_suffix(".webp")
    with Image.open(job.result["animation"]) as moving:
        assert moving.n_frames == 4
    prompt = job.asked["request"]["prompt"]
    alone = draw(studio, jobs, styles=rack(chalk=1.0), prompt=prompt, add_triggers=False)
    last, same = (np.array(image, dtype=int) for image in (picture(job, 2), picture(alone)))
    assert np.abs(last - same).max() <= 2
    assert picture(job).tobytes() != picture(job, 2).tobytes()
    captions = [drawing_text.way_caption(index, 5) for index in range(5)]
    assert captions == ["A", "25%", "50%", "75%", "B"]


@pytest.mark.parametrize(("side", "missing"), [("a", "B"), ("b", "A")])
def test_a_morph_needs_both_ends(studio: Studio, side: str, missing: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"press {missing} above the styles"):
        morph(studio, two({"neon": {}}, None, side))


def test_both_ends_are_told() -> None:
    told = told_ends(two({"<neon>": {"strength": 0.801}}, {}))
    assert "&lt;neon&gt; 0.8" in told
    assert "no style" in told
    assert told_ends("{}").count("not set yet") == 1
    assert told_ends("nonsense").count("not set yet") == 2


def test_a_glimpse_is_small_quick_and_kept_nowhere(studio: Studio, jobs: JobServer) -> None:
    before = set(studio.library.outputs.rglob("*.png"))
    values = form(styles=rack(neon=0.8), steps=9, width=128, height=200, batch=2)
    job = done(jobs, REDRAW, asked_from(studio, values, "page", glimpse=True))
    assert job.result == {"pictures": []}
    assert (job.done, job.total) == (6, 6)
    shown = jobs.pictures(job.id)
    assert len(shown) == 1
    small = glimpse_of(GenerationRequest("x", width=128, height=200, steps=9, batch=2))
    assert (small.width, small.height, small.steps, small.batch) == (64, 96, 6, 1)
    assert set(studio.library.outputs.rglob("*.png")) == before


def test_the_page_tells_where_the_model_lies(studio: Studio) -> None:
    placed = studio.base.plan(Needs(64, 64)).sentence
    assert "64x64" in drawing_markup.model(studio, placed)


def test_a_long_prompt_is_a_short_title() -> None:
    assert title_of(GenerationRequest("a  red\napple")) == "a red apple"
    title = title_of(GenerationRequest("very " * 40 + "red"))
    assert len(title) <= 61 and title.endswith("very…")
