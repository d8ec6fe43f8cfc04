"""The page on a tiny studio: what comes in, what it says, and what it offers to programs."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from eigenlorax.events import drain
from eigenlorax.jobs.opening import open_jobs
from eigenlorax.jobs.server import JobServer
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from tests import tiny
from tests.conftest import CPU
from ui import markup
from ui.build import build
from ui.rack import rack_props
from ui.thumbs import thumbnail_folder, thumbnail_url


@pytest.fixture
def studio(tmp_path: Path, tiny_model: Path) -> Studio:
    studio = Studio(str(tiny_model), tmp_path / "data", CPU)
    thumbnail_folder(studio).mkdir(parents=True)
    return studio


@pytest.fixture
def page(studio: Studio) -> gr.Blocks:
    """The page, not served. Built where an event loop runs: else Gradio makes one for its locks and leaves it open."""

    async def built(jobs: JobServer) -> gr.Blocks:
        return build(studio, jobs)

    with open_jobs(studio) as jobs:
        return asyncio.run(built(jobs))


@pytest.fixture
def file(tmp_path: Path, base: BaseModel) -> Path:
    return tiny.write_lora(tmp_path / "source" / "neon <b>.safetensors", tiny.lora(base.layout, "neon"))


def test_names_from_files_are_escaped_everywhere(studio: Studio, file: Path) -> None:
    studio.import_paths([file])
    list(studio.subspaces.compress())
    piece = markup.current_subspace(studio)
    assert "neon &lt;b&gt;" in piece
    assert "<b>." not in piece
    assert json.loads(rack_props(studio)["styles"])[0]["name"] == "neon <b>"


def test_the_header_tells_what_there_is(studio: Studio, file: Path) -> None:
    assert "none yet" in markup.header(studio)
    studio.import_paths([file])
    assert rack_props(studio) == {"styles": "[]", "usable": 1, "ready": True}
    list(studio.subspaces.compress())
    assert "1 style · " in markup.header(studio)


def test_a_broken_preview_is_no_preview(studio: Studio, tmp_path: Path) -> None:
    broken = tmp_path / "neon.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    assert thumbnail_url(broken, thumbnail_folder(studio)) == ""
    assert thumbnail_url(None, thumbnail_folder(studio)) == ""


def test_a_strip_of_pictures_is_shown_by_its_first(studio: Studio, tmp_path: Path) -> None:
    strip = Image.new("RGB", (384, 128), "red")
    strip.paste("teal", (0, 0, 128, 128))
    strip.save(tmp_path / "strip.png")
    thumbnail_url(tmp_path / "strip.png", thumbnail_folder(studio))
    with Image.open(next(thumbnail_folder(studio).iterdir())) as thumbnail:
        assert thumbnail.size == (128, 128)
        colours = thumbnail.convert("RGB").getextrema()
    assert colours[0][1] < 20  # no red


def test_styles_without_a_lora_are_named_and_not_measured(studio: Studio, file: Path) -> None:
    studio.import_paths([file])
    made = drain(studio.subspaces.compress())
    (style,) = made.styles.values()
    taught = replace(style, name="my <i>", fidelity=replace(style.fidelity, original_bytes=0))
    told = markup.compression(replace(made, styles={**made.styles, "my <i>": taught}))
    assert told.count('<th scope="row">') == 1
    assert "taught or taken from cards: my &lt;i&gt;" in told


def test_the_api_is_small_and_described(page: gr.Blocks) -> None:
    endpoints = page.get_api_info()["named_endpoints"]
    assert set(endpoints) == {
        "/generate", "/compare_with_original", "/compare_with_base", "/compress", "/import_files", "/import_path",
        "/morph", "/predict_export", "/export", "/report", "/grow", "/refit", "/calibrate", "/look", "/train", "/sheet",
        "/look_in", "/rescan", "/render_previews",
    }  # fmt: skip
    assert all(endpoint["description"] for endpoint in endpoints.values())
    names = {parameter["parameter_name"] for parameter in endpoints["/generate"]["parameters"]}
    assert all(parameter["parameter_has_default"] for parameter in endpoints["/generate"]["parameters"])
    assert {"prompt", "negative_prompt", "seed", "steps", "guidance", "width", "height", "styles"} <= names
    assert {"sampler", "schedule", "batch", "hires", "canvas", "denoise"} <= names


def test_everything_a_person_can_set_has_a_label(page: gr.Blocks) -> None:
    kinds = (
        gr.Textbox, gr.Number, gr.Slider, gr.Checkbox, gr.Dropdown, gr.File, gr.Radio, gr.ImageEditor, gr.Gallery,
    )  # fmt: skip
    for block in page.blocks.values():
        if isinstance(block, kinds):
            assert block.label
