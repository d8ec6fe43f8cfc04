"""Pressing Generate and Morph on a tiny studio: pictures, lines, files."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import drain
from eigenlorax.runtime.options import Mode
from eigenlorax.runtime.paint import Preview
from eigenlorax.runtime.sdxl import load_base
from eigenlorax.studio import Studio
from tests import tiny
from tests.conftest import CPU
from tests.ui.asking import form
from ui import drawing_markup, drawing_text
from ui.compare import original_and_style
from ui.generate import draw, drawing_line
from ui.morphing import blends_of, morphed


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Studio:
    folder = tmp_path_factory.mktemp("drawing")
    layout = load_base(str(tiny_model), CPU).layout
    files = [
        tiny.write_lora(folder / "source" / f"{name}.safetensors", tiny.lora(layout, name, seed=seed))
        for seed, name in enumerate(("neon", "chalk"))
    ]
    studio = Studio(str(tiny_model), folder / "data", CPU)
    studio.import_paths(files)
    list(studio.subspaces.compress())
    return studio


def rack(**strengths: float) -> str:
    return json.dumps({name: {"strength": strength} for name, strength in strengths.items()})


def test_a_batch_with_previews_and_dials(studio: Studio) -> None:
    value = json.dumps({"neon": {"strength": 1.0, "dials": {"curve": "fade in"}}})
    work = draw(studio, form(batch=3, sampler="Euler a", styles=value, steps=2))
    events = []
    try:
        while True:
            events.append(next(work))
    except StopIteration as end:
        drawn = end.value
    previews = [event for event in events if isinstance(event, Preview)]
    assert previews
    assert all(len(preview.images) == 3 for preview in previews)
    assert [picture.path.name.partition("-")[2] for picture in drawn.finished.pictures] == [
        "7.png", "8.png", "9.png",
    ]  # fmt: skip
    assert drawn.steps == 2
    assert drawn.finished.mode is Mode.LIVE
    assert "Sampler: Euler a" in drawn.finished.pictures[1].parameters
    assert "Eigen dials" in drawn.finished.parameters
    assert f"Step {previews[-1].done} of 2" in drawing_line(previews[-1])


def test_steps_are_those_that_were_drawn(studio: Studio) -> None:
    canvas = {"background": Image.new("RGB", (64, 64), "red"), "layers": [], "composite": None}
    drawn = drain(draw(studio, form(steps=8, canvas=canvas, denoise=0.5)))
    assert drawn.steps == 4
    assert drain(draw(studio, form(steps=2, hires=True, hires_denoise=1.0))).steps == 4


def test_hires_and_a_canvas_are_refused_together(studio: Studio) -> None:
    canvas = {"background": Image.new("RGB", (64, 64), "red"), "layers": [], "composite": None}
    with pytest.raises(InvalidRequestError, match="take off hires or the canvas"):
        drain(draw(studio, form(canvas=canvas, hires=True)))


def test_styles_worn_all_along_are_merged(studio: Studio) -> None:
    drawn = drain(draw(studio, form(styles=rack(neon=0.8))))
    assert drawing_text.WORN[drawn.finished.mode] == "Styles merged into the weights"
    sides = drain(original_and_style(studio, form(styles=rack(neon=0.8), batch=4)))
    assert [len(side.finished.pictures) for side in sides] == [1, 1]


def morph(studio: Studio, blends: Any, pictures: int = 3) -> Generator[Any, None, Any]:
    return morphed(studio, {**form(), "blends": blends, "morph_pictures": pictures})


def test_a_morph_is_a_strip_and_a_moving_picture(studio: Studio) -> None:
    ends = {"a": {"neon": 1.0}, "b": {"chalk": 1.0}}
    drawn, animation = drain(morph(studio, ends))
    pictures = drawn.finished.pictures
    assert len(pictures) == 3
    assert animation == pictures[0].path.with_suffix(".webp")
    with Image.open(animation) as moving:
        assert moving.n_frames == 4
    alone = drain(draw(studio, form(styles=rack(chalk=1.0), prompt=drawn.request.prompt, add_triggers=False)))
    last, same = (np.array(image, dtype=int) for image in (pictures[2].image, alone.finished.image))
    assert np.abs(last - same).max() <= 2
    assert pictures[0].image.tobytes() != pictures[2].image.tobytes()
    captions = [drawing_text.way_caption(index, 5) for index in range(5)]
    assert captions == ["A", "25%", "50%", "75%", "B"]


@pytest.mark.parametrize(
    ("blends", "missing"),
    [({}, "A and as B"), ({"a": {}}, "B"), (None, "A and as B"), ({"b": {"x": 1}}, "A")],
)
def test_a_morph_needs_both_ends(studio: Studio, blends: Any, missing: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"remember a blend as {missing} first"):
        drain(morph(studio, blends))


def test_what_a_browser_remembered_is_taken_as_far_as_it_is_readable() -> None:
    assert blends_of([1]) == blends_of(None) == blends_of({"a": 3, "c": {}}) == {}
    assert blends_of({"a": {"neon": 1, "x": "much"}, "b": {}}) == {"a": {"neon": 1.0}, "b": {}}
    told = drawing_markup.remembered({"a": {"<neon>": 0.801}})
    assert "&lt;neon&gt; 0.8" in told
    assert "not remembered yet" in told
    assert "no style" in drawing_markup.remembered({"a": {}})


def test_the_page_tells_where_the_model_lies(studio: Studio) -> None:
    plan = drain(draw(studio, form())).finished.plan
    assert "64x64" in drawing_markup.model(studio, plan)
