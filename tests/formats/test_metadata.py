"""Titles, trigger words and previews come from where the field keeps them."""

import json
from pathlib import Path

from eigenlorax.formats.metadata import preview_of, read_sidecar, title_of, trigger_words


def test_the_sidecar_wins_over_the_header(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    header = {"modelspec.trigger_phrase": "from header"}
    assert trigger_words(path, header) == ("from header",)
    path.with_suffix(".json").write_text(json.dumps({"activation text": "neon style, glow"}))
    assert trigger_words(path, header) == ("neon style", "glow")


def test_the_commonest_tag_is_the_last_resort(tmp_path: Path) -> None:
    tags = {"10_a": {"cat": 3, "ink style": 40}, "5_b": {"ink style": 2, "dog": 41}}
    assert trigger_words(tmp_path / "x.safetensors", {"ss_tag_frequency": json.dumps(tags)}) == ("ink style",)
    assert trigger_words(tmp_path / "x.safetensors", {"ss_tag_frequency": "not json"}) == ()


def test_title_and_preview(tmp_path: Path) -> None:
    assert title_of({"modelspec.title": "Neon", "ss_output_name": "n"}, "stem") == "Neon"
    assert title_of({}, "stem") == "stem"
    path = tmp_path / "x.safetensors"
    assert preview_of(path) is None
    (tmp_path / "x.png").write_bytes(b"png")
    assert preview_of(path) == tmp_path / "x.png"


def test_a_broken_sidecar_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{")
    assert read_sidecar(tmp_path / "x.safetensors") == {}
