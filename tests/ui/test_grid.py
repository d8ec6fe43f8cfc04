"""The library's grid: what its cards say, and what it asks the server while it is looked at."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from eigenlorax.events import drain
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from tests import tiny
from tests.conftest import CPU
from ui.grid import grid_props
from ui.grid_places import places_props
from ui.grid_server import server_functions
from ui.thumbs import thumbnail_folder, thumbnail_if_made, thumbnail_url

Ask = Callable[[str, Any], Mapping[str, Any]]


@pytest.fixture
def studio(tmp_path: Path, tiny_model: Path, base: BaseModel) -> Studio:
    place = tmp_path / "loras"
    for number, name in enumerate(("neon <b>", "chalk")):
        tiny.write_lora(place / f"{name}.safetensors", tiny.lora(base.layout, name, 2, number))
    (place / "neon <b>.json").write_text(json.dumps({"activation text": "glow", "preferred weight": 0.7}))
    Image.new("RGB", (640, 320), "teal").save(place / "neon <b>.png")
    (place / "bad.safetensors").write_bytes(b"no")
    studio = Studio(str(tiny_model), tmp_path / "data", CPU)
    studio.collection.look_in(place)
    return studio


@pytest.fixture
def ask(studio: Studio) -> Ask:
    """The functions as the grid's script calls them; what comes back must be JSON."""
    functions = {function.__name__: function for function in server_functions(studio)}

    def asked(name: str, value: Any) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = json.loads(json.dumps(functions[name](value)))
        return answer

    return asked


def _cards(studio: Studio) -> dict[str, dict[str, Any]]:
    return {card["name"]: card for card in json.loads(json.dumps(grid_props(studio)))["cards"]}


def test_cards_tell_verdict_words_and_strength(studio: Studio) -> None:
    cards = _cards(studio)
    neon, bad = cards["neon <b>"], cards["bad"]
    assert (neon["verdict"], neon["usable"], neon["words"], neon["weight"]) == ("usable", True, ["glow"], 0.7)
    assert (neon["place"], neon["style"], neon["kept"]) == ("loras", False, None)
    assert (bad["verdict"], bad["problem"]) == ("broken", True)
    assert "not a safetensors file" in bad["reason"]
    (place,) = places_props(studio)["folders"]
    assert place["told"] == "folder · 3 LoRAs"


def test_pictures_are_made_when_they_come_into_sight(studio: Studio, ask: Ask) -> None:
    assert not thumbnail_folder(studio).exists()
    neon = _cards(studio)["neon <b>"]
    assert (neon["thumb"], neon["picture"]) == ("", True)  # listing opens no picture
    found = ask("thumbnails", ["neon <b>", "chalk", "nobody"])
    assert found["chalk"] == ""
    assert found["neon <b>"].startswith("gradio_api/file=/")
    assert found.keys() == {"neon <b>", "chalk"}
    (made,) = thumbnail_folder(studio).iterdir()
    with Image.open(made) as thumbnail:
        assert (thumbnail.format, max(thumbnail.size)) == ("WEBP", 256)
    assert _cards(studio)["neon <b>"]["thumb"] == found["neon <b>"]


def test_what_is_said_is_kept_or_refused_in_words(studio: Studio, ask: Ask) -> None:
    changes = {"favourite": True, "tags": ["night"], "trigger_words": ["my glow"], "rating": 4}
    assert ask("note", {"name": "neon <b>", "changes": changes}) == {}
    card = _cards(studio)["neon <b>"]
    assert (card["favourite"], card["tags"], card["words"], card["rating"]) == (
        True,
        ["night"],
        ["my glow"],
        4,
    )
    assert "choose a number" in ask("note", {"name": "chalk", "changes": {"preferred_weight": 99}})["error"]


def test_details_and_likeness(studio: Studio, ask: Ask) -> None:
    facts = dict(ask("details", "neon <b>")["facts"])
    assert facts["Files beside it"] == "neon <b>.json"
    assert facts["File"].endswith("neon <b>.safetensors")
    assert ask("relations", 0) == {"twins": [], "near": []}
    drain(studio.subspaces.compress())
    ((other, cosine),) = ask("details", "chalk")["alike"]
    assert other == "neon <b>"
    assert ask("likeness", "chalk") == {"alike": {other: pytest.approx(cosine)}}
    assert ask("likeness", "bad") == {"alike": {}}
    card = _cards(studio)["chalk"]
    assert (card["style"], card["keptTone"]) == (True, "good")
    assert 0.9 < card["kept"] <= 1.0


def test_a_picture_that_is_gone_is_none(studio: Studio, tmp_path: Path) -> None:
    folder = thumbnail_folder(studio)
    assert thumbnail_url(tmp_path / "gone.png", folder) == ""
    assert thumbnail_if_made(tmp_path / "gone.png", folder) == ""
