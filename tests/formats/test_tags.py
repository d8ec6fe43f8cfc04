"""Words that a LoRA is known by, from its header and from the files beside it."""

import json
from pathlib import Path

import pytest

from eigenlorax.formats.report import ImportReport
from eigenlorax.formats.tags import excluded_by, named_by, tags_of
from eigenlorax.runtime.sdxl import BaseModel
from tests import tiny


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("cat", "my_Cat-v2", True), ("CAT", "a cat, sitting", True), ("cat", "catalogue", False),
        ("oil paint", "thick oil_paint", True), ("oil paint", "paint oil", False), ("v2", "cat-v2", True),
        ("Ölbild", "ein ölbild", True), ("", "anything", False), ("  ", "a  b", False), ("_", "a_b", False),
    ],
)  # fmt: skip
def test_only_whole_words_count(word: str, text: str, found: bool) -> None:
    assert named_by(word, [text]) is found


def test_tags_come_from_header_and_sidecars(tmp_path: Path, base: BaseModel) -> None:
    frequency = {"10_x": {"gore": 3, "night sky": 1}, "20_y": {"smile": 2}}
    metadata = {"ss_tag_frequency": json.dumps(frequency), "modelspec.tags": "style, film grain"}
    path = tiny.write_lora(tmp_path / "plain.safetensors", tiny.lora(base.layout, "p", 2), metadata=metadata)
    (tmp_path / "plain.civitai.info").write_text(json.dumps({"model": {"tags": ["anime", 3]}}))
    (tmp_path / "plain.json").write_text(json.dumps({"tags": "one, two"}))
    assert set(tags_of(path)) == {
        "gore", "night sky", "smile", "style", "film grain", "anime", "one", "two",
    }  # fmt: skip
    path.with_suffix(".civitai.info").write_text("[" * 5000)
    assert "gore" in tags_of(path)
    assert tags_of(tmp_path / "missing.safetensors") == []


def test_the_first_word_that_matches_is_told(tmp_path: Path, base: BaseModel) -> None:
    def report(name: str, **metadata: str) -> ImportReport:
        path = tmp_path / f"{name}.safetensors"
        return tiny.reader(base).scan(
            tiny.write_lora(path, tiny.lora(base.layout, name, 2), metadata=metadata)
        )

    reports = [
        report("my_gore_lora"), report("b", ss_tag_frequency=json.dumps({"x": {"gore": 1}})),
        report("c", **{"modelspec.trigger_phrase": "Night Sky"}), report("gorey"),
    ]  # fmt: skip
    found = excluded_by(["night sky", "gore "], reports)
    assert found == {"my_gore_lora": "gore", "b": "gore", "c": "night sky"}
    assert excluded_by([], reports) == {}
