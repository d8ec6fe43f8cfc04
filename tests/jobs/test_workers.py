"""The real work as jobs, on a base that is tiny."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

from eigenlorax.errors import InvalidRequestError, UnknownStyleError
from eigenlorax.jobs.drawing import DrawAsked, with_pictures_kept
from eigenlorax.jobs.drops import keep_drops
from eigenlorax.jobs.job import Job, State
from eigenlorax.jobs.opening import open_jobs
from eigenlorax.jobs.server import JobServer
from eigenlorax.recipe import GenerationRequest
from eigenlorax.studio import Studio
from tests import tiny
from tests.subspaces.cases import few

_PATIENCE_S = 60.0


@pytest.fixture
def jobs(studio: Studio) -> Iterator[JobServer]:
    with open_jobs(studio) as server:
        yield server


@pytest.fixture
def sources(tmp_path: Path, studio: Studio) -> list[str]:
    files = []
    chance = torch.Generator().manual_seed(1)
    for word in ("red apple", "green tree", "blue car", "grey cat", "old house"):
        files.append(tmp_path / f"{word}.png")
        Image.new("RGB", (80, 80), tuple(torch.randint(256, (3,), generator=chance).tolist())).save(files[-1])
    (tmp_path / "notes.pdf").write_bytes(b"%PDF")
    kept = keep_drops(studio.library.root, [*files, tmp_path / "notes.pdf"])
    for file in files:
        file.unlink()
    return [str(path) for path in kept]


def _asked(sources: list[str], **more: object) -> dict[str, object]:
    settings = {"steps": 4, "rows": 2, "check": 2, "mixing": 2, "blocks": 0, "patience": 0}
    return {
        "name": "mine", "sources": sources, "trigger": "zyx", "preset": "quick", "settings": settings,
        "columns": 4, "samples": ["a cat"], "sample_every": 2, **more,
    }  # fmt: skip


def _done(jobs: JobServer, number: int) -> Job:
    job = jobs.wait(number, _PATIENCE_S)
    assert job.state is State.DONE, job.error
    assert json.loads(json.dumps(job.result, allow_nan=False)) == job.result
    return job


def test_teaching(jobs: JobServer, studio: Studio, sources: list[str]) -> None:
    number = jobs.submit("train", _asked(sources), "mine")
    result = _done(jobs, number).result
    assert "mine" in studio.styles
    assert (result["name"], result["trigger"], result["pictures"]) == ("mine", "zyx", [4, 1])
    assert result["left_out"][0][0] == "notes.pdf"
    assert result["after"] <= result["before"]
    assert result["numbers"] > 0
    assert result["bytes"] == studio.styles["mine"].fidelity.style_bytes
    series = jobs.series(number)
    assert [x for x, _ in series["train"]] == [1.0, 2.0, 3.0, 4.0]
    assert [x for x, _ in series["held"]][-2:] == [2.0, 4.0]
    assert min(y for _, y in series["held"]) == pytest.approx(min(result["before"], result["after"]))
    assert any(one.label == "step 4 · a cat" for one in jobs.pictures(number))
    with pytest.raises(InvalidRequestError, match="a style named mine already"):
        jobs.submit("train", _asked(sources), "mine")


def test_teaching_is_paused_and_goes_on(jobs: JobServer, studio: Studio, sources: list[str]) -> None:
    settings = {"steps": 400, "rows": 2, "check": 2, "mixing": 0, "blocks": 0, "patience": 0}
    number = jobs.submit("train", _asked(sources, settings=settings, sample_every=0), "mine")
    while len(jobs.series(number).get("held", ())) < 3:
        assert jobs.wait(number, 0.01).state in (State.QUEUED, State.RUNNING)
    jobs.pause(number)
    assert jobs.wait(number, _PATIENCE_S).state is State.PAUSED
    seen = len(jobs.series(number)["train"])
    assert 4 <= seen < 400
    assert "mine" not in studio.styles
    drawn = jobs.submit("generate", with_pictures_kept(studio.library.root, DrawAsked(_REQUEST)), "a cat")
    _done(jobs, drawn)  # the model is free meanwhile
    jobs.resume(number)
    while len(jobs.series(number)["train"]) <= seen + 2:
        assert jobs.wait(number, 0.01).state in (State.QUEUED, State.RUNNING)
    assert jobs.look(number).done >= seen
    jobs.cancel(number)
    assert jobs.wait(number, _PATIENCE_S).state is State.CANCELLED
    assert "mine" not in studio.styles


_REQUEST = GenerationRequest("a cat", seed=3, steps=4, width=64, height=64, styles={"a": 1.0}, batch=2)


def test_drawing(jobs: JobServer, studio: Studio) -> None:
    root = studio.library.root
    number = jobs.submit("generate", with_pictures_kept(root, DrawAsked(_REQUEST, 2)), "a cat")
    result = _done(jobs, number).result
    assert [one["seed"] for one in result["pictures"]] == [3, 4]
    with Image.open(result["pictures"][1]["path"]) as image:
        assert image.text["parameters"] == result["pictures"][1]["parameters"]
    assert {one.label for one in jobs.pictures(number)} == {"preview 1", "preview 2"}
    strange = GenerationRequest("a cat", steps=2, width=64, height=64, styles={"nobody": 1.0})
    failed = jobs.wait(
        jobs.submit("generate", with_pictures_kept(root, DrawAsked(strange)), "a cat"), _PATIENCE_S
    )
    assert (failed.state, "nobody" in failed.error) == (State.FAILED, True)
    with pytest.raises(UnknownStyleError) as direct:
        next(studio.generate(strange))
    assert failed.error == str(direct.value)
    with pytest.raises(InvalidRequestError, match="steps is 0"):
        jobs.submit("generate", {"request": {"prompt": "a cat", "steps": 0}}, "a cat")


def test_importing_compressing_and_calibrating(jobs: JobServer, studio: Studio, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    tiny.write_lora(folder / "new.safetensors", tiny.lora(few(studio.base.layout), "new", 4, 30))
    (folder / "broken.safetensors").write_bytes(b"no")
    paths = [str(folder / "new.safetensors"), str(folder)]
    imported = _done(jobs, jobs.submit("import", {"paths": paths}, "2 paths")).result["imported"]
    assert [(one["name"], one["verdict"]) for one in imported] == [
        ("new.safetensors", "usable"), ("broken.safetensors", "broken"), ("new.safetensors", "usable"),
    ]  # fmt: skip
    assert "already" in imported[2]["note"]
    asked = {"names": ["a", "b", "new"], "wish": {"retain": 0.9, "numbers": "fp16"}}
    made = _done(jobs, jobs.submit("compress", asked, "Compress")).result
    assert set(made["styles"]) >= {"a", "b", "new"}
    assert made["stored_bytes"] == studio.stored_bytes
    quick = {"steps": 2, "rows": 1, "pictures": 1, "held_pictures": 1, "check": 1}
    number = jobs.submit("calibrate", {"names": ["new"], "settings": quick}, "Calibrate")
    before, after = _done(jobs, number).result["distances"]["new"]
    assert after <= before
    assert len(jobs.series(number)["distance"]) == 2
    for kind, wrong, said in (
        ("compress", {"wish": {"retain": "much"}}, r"wish\.retain"),
        ("calibrate", {"settings": {"steps": 0}}, "steps is 0"),
        ("import", {}, "paths is missing"),
    ):
        with pytest.raises(InvalidRequestError, match=said):
            jobs.submit(kind, wrong, "wrong")


def test_looking_reporting_and_cards_leave_files(jobs: JobServer, studio: Studio) -> None:
    looking = {"prompts": ["a cat"], "seeds": [1], "steps": 1}
    found = _done(jobs, jobs.submit("look", {"names": ["a"], "looking": looking}, "look")).result
    assert (found["styles"], found["missing"]) == (1, [])
    with Image.open(found["sheet"]) as sheet:
        assert sheet.format == "WEBP"
    found = _done(jobs, jobs.submit("report", {"names": ["a", "b"]}, "report")).result
    assert "<html" in Path(found["path"]).read_text(encoding="utf-8")
    assert found["words"]
    for number in (1, 2):  # a second one takes another name
        found = _done(jobs, jobs.submit("card", {"name": "a"}, "a")).result
        assert Path(found["path"]).name == ("a.png" if number == 1 else "a-2.png")
        assert found["file_bytes"] == Path(found["path"]).stat().st_size > found["carried_bytes"]
    for kind, asked, said in (
        ("look", {"looking": {"prompts": [" "]}}, "nothing to draw"),
        ("report", {"looking": {"seeds": []}}, "nothing to draw"),
        ("compare", {"request": {"prompt": "a"}, "lora": "a"}, "styles has no strength for a"),
        ("compare", {"request": {"prompt": "a", "batch": 2}}, "batch is not 1"),
        ("morph", {"request": {"prompt": "a"}, "stops": [{"a": 1}], "pictures": 3}, "at least two blends"),
    ):
        with pytest.raises(InvalidRequestError, match=said):
            jobs.submit(kind, asked, "wrong")
    with pytest.raises(UnknownStyleError, match="no style named nobody"):
        jobs.submit("card", {"name": "nobody"}, "nobody")
