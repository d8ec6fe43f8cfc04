"""Titles, trigger words, weights and previews come from where the field keeps them."""

import base64
import json
from pathlib import Path

import pytest

from eigenlorax.formats.metadata import (
    embedded_cover,
    guess_fine_tune,
    header_trigger_words,
    title_of,
    training_facts,
)
from eigenlorax.formats.sidecars import preview_of, read_sidecars, sidecars_of


def test_the_commonest_tag_is_the_last_resort() -> None:
    tags = {"10_a": {"cat": 3, "ink style": 40}, "5_b": {"ink style": 2, "dog": 41}}
    assert header_trigger_words({"ss_tag_frequency": json.dumps(tags)}) == ("ink style",)
    assert header_trigger_words({"ss_tag_frequency": "not json"}) == ()
    header = {"ss_tag_frequency": json.dumps(tags), "modelspec.trigger_phrase": "glow, neon"}
    assert header_trigger_words(header) == ("glow", "neon")


def test_title() -> None:
    assert title_of({"modelspec.title": "Neon", "ss_output_name": "n"}, "stem") == "Neon"
    assert title_of({}, "stem") == "stem"


def test_training_facts_take_what_there_is() -> None:
    facts = training_facts({"ss_steps": "1200", "ss_text_encoder_lr": "None", "ss_network_dim": "32"})
    assert facts == {"rank": "32", "steps": "1200"}


@pytest.mark.parametrize(
    ("stem", "header", "claimed", "guess"),
    [
        ("x", {"ss_sd_model_name": "ponyDiffusionV6XL.safetensors"}, "", "Pony"),
        ("x", {"ss_tag_frequency": '{"a": {"score_9": 4}}'}, "", "Pony"),
        ("x", {"modelspec.prediction_type": "v"}, "NoobAI", "NoobAI, v-prediction"),
        ("x", {}, "Illustrious", "Illustrious"),
        ("my_turbo_style", {}, "", "Turbo"),
        ("x", {}, "SDXL 1.0", ""),
    ],
)
def test_fine_tunes_are_guessed(stem: str, header: dict[str, str], claimed: str, guess: str) -> None:
    assert guess_fine_tune(Path(f"{stem}.safetensors"), header, claimed) == guess


SIDECARS = {
    ".json": {"activation text": "neon style, glow", "preferred weight": 0.8, "negative text": "dull"},
    ".civitai.info": {
        "trainedWords": ["civit word"],
        "baseModel": "Pony",
        "model": {"name": "Neon for Pony"},
        "description": "<p>Bright&nbsp;lines</p>",
    },
    ".metadata.json": {
        "model_name": "Managed",
        "usage_tips": '{"strength": 0.6}',
        "civitai": {"trainedWords": ["managed word"]},
    },
    ".swarm.json": {"modelspec.title": "Swarm title", "modelspec.license": "CC-BY-4.0"},
    ".cm-info.json": {"ModelName": "Matrix", "TrainedWords": ["matrix word"], "BaseModel": "SDXL 1.0"},
}


@pytest.mark.parametrize(
    ("ending", "words", "weight", "title", "base"),
    [
        (".json", ("neon style", "glow"), 0.8, "", ""),
        (".civitai.info", ("civit word",), None, "Neon for Pony", "Pony"),
        (".metadata.json", ("managed word",), 0.6, "Managed", ""),
        (".swarm.json", (), None, "Swarm title", ""),
        (".cm-info.json", ("matrix word",), None, "Matrix", "SDXL 1.0"),
    ],
)
def test_every_kind_of_sidecar(
    tmp_path: Path, ending: str, words: tuple[str, ...], weight: float | None, title: str, base: str
) -> None:
    (tmp_path / f"x{ending}").write_text(json.dumps(SIDECARS[ending]))
    found = read_sidecars(tmp_path / "x.safetensors")
    assert (found.trigger_words, found.preferred_weight, found.title, found.base) == (
        words,
        weight,
        title,
        base,
    )
    assert found.sources == (f"x{ending}",)


def test_the_users_own_notes_win(tmp_path: Path) -> None:
    for ending, content in SIDECARS.items():
        (tmp_path / f"x{ending}").write_text(json.dumps(content))
    found = read_sidecars(tmp_path / "x.safetensors")
    assert found.trigger_words == ("neon style", "glow")
    assert (found.preferred_weight, found.negative_text) == (0.8, "dull")
    assert (found.licence, found.description.split()) == ("CC-BY-4.0", ["Bright", "lines"])


def test_a_broken_sidecar_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{")
    (tmp_path / "x.txt").write_text("plain words")
    found = read_sidecars(tmp_path / "x.safetensors")
    assert found.unreadable == ("x.json",)
    assert found.description == "plain words"


@pytest.mark.parametrize(
    "name", ["x.preview.png", "x.PNG", "x.jpeg", "x.webp", "x.thumb.jpg", "x.preview.avif", "X.gif"]
)
def test_previews_by_every_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.safetensors"
    (tmp_path / "xy.png").write_bytes(b"another's")
    assert preview_of(path) is None
    (tmp_path / name).write_bytes(b"picture")
    assert preview_of(path) == tmp_path / name
    assert sidecars_of(path) == [tmp_path / name]


def test_covers_inside_the_header() -> None:
    encoded = base64.b64encode(b"a picture").decode()
    assert embedded_cover({"modelspec.thumbnail": f"data:image/webp;base64,{encoded}"}) == b"a picture"
    assert embedded_cover({"ssmd_cover_images": json.dumps([encoded])}) == b"a picture"
    assert embedded_cover({"modelspec.thumbnail": "data:image/webp;base64,@@"}) is None
    assert embedded_cover({}) is None
