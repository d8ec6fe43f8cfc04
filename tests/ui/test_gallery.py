"""What the gallery's component is told: pictures by key, never by path, and reasons instead of tracebacks."""

import asyncio
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from eigenlorax.infotext import infotext
from eigenlorax.library.library import Library
from eigenlorax.outputs.outputs import Outputs
from eigenlorax.outputs.trash import Trash
from eigenlorax.recipe import GenerationRequest, Hires
from ui.gallery_tab import gallery_tab
from ui.gallery_view import large

BAD = '<img src=x onerror="alert(1)">'


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    library = Library(tmp_path)
    request = GenerationRequest(f"a cat {BAD}", "dogs", 5, 9, 4.5, styles={"neon": 0.8}, hires=Hires(1.5))
    library.keep_picture(Image.new("RGB", (40, 30)), infotext(request, "Euler", {"Model": "demo"}), 5)
    library.keep_picture(Image.new("RGB", (40, 30)), "", 6)
    return Outputs(tmp_path)


@pytest.fixture
def gallery(outputs: Outputs) -> gr.HTML:
    async def built() -> gr.HTML:  # where an event loop runs: else Gradio leaves one open
        with gr.Blocks():
            return gallery_tab(outputs, Trash(outputs, outputs.folder.parent))

    return asyncio.run(built())


def test_the_component_lists_shows_deletes_and_brings_back(gallery: gr.HTML) -> None:
    ask: Any = gallery
    keys = ask.listing({"search": "", "style": ""})["keys"]
    assert len(keys) == 2
    (cat,) = ask.listing({"search": "cat", "style": "neon"})["keys"]
    tiles = ask.tiles(keys)["tiles"]
    assert [one["key"] for one in tiles] == keys
    assert all(one["thumb"].startswith("gradio_api/file=") for one in tiles)
    assert ask.discard([cat]) == {"found": 1}
    assert ask.listing(None) | {"stamp": ""} == {
        "keys": [k for k in keys if k != cat],
        "styles": [],
        "stamp": "",
        "trash": ask.listing(None)["trash"],
    }
    first = ask.listing(None)["trash"]
    assert first["told"].startswith("1 picture, ")
    assert ask.undo(None) == {"found": [cat]}
    assert ask.listing(None)["trash"] == {"told": "", "last": ""}
    assert ask.empty(first["last"]) == ask.empty(None) == ask.empty(3) == {"found": 0}


@pytest.mark.parametrize("given", [["../../x.png"], ["gone.png"], [3], "x", None, {}])
def test_what_no_script_of_ours_would_send_reaches_nothing(gallery: gr.HTML, given: Any) -> None:
    ask: Any = gallery
    for answer in (ask.tiles(given), ask.large_one(given), ask.discard(given)):
        assert not any("thumb" in one and one["thumb"] for one in answer.get("tiles", []))
        assert answer.get("found") in (None, [], 0)
    assert len(ask.listing(given)["keys"]) == 2


def test_a_large_view_has_every_setting_as_plain_values(outputs: Outputs) -> None:
    (key,) = [one.key for one in outputs.pictures("cat")]
    found = large(outputs, key)
    assert (found["prompt"], found["negative"]) == (f"a cat {BAD}", "dogs")  # the script sets them as text
    facts = dict(found["facts"])
    assert facts["Styles"] == "neon 0.8"
    assert (facts["Seed"], facts["Steps"], facts["Guidance"], facts["Hires fix"]) == (
        "5",
        "9",
        "4.5",
        "× 1.5",
    )
    plain = large(outputs, next(one.key for one in outputs.pictures() if one.key != key))
    assert (plain["known"], plain["text"]) == (False, "")


def test_the_template_escapes_its_words(gallery: gr.HTML) -> None:
    assert "{" not in gallery.html_template.split("data-words=")[0]
    assert gallery.html_template.count("<img") == 2
    assert not any(mark in gallery.html_template for mark in ("{search}", "{words}", "{help}"))
