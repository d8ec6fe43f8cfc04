"""Presets: A1111's own files, round trips, and what is refused."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eigenlorax.errors import InvalidFileError, InvalidRequestError
from eigenlorax.prompting.presets import (
    PromptPreset,
    keep_preset,
    read_presets,
    save_presets,
    take_presets,
)

#: As A1111 writes it: a BOM, quotes where needed, a divider, an old column name in the second file.
A1111 = (
    "\ufeffname,prompt,negative_prompt\r\n"
    'Photo,"photo of {prompt}, 35mm","drawing, (text:1.2)"\r\n'
    "------ mine ------,,\r\n"
    '"Two, lines","first\nsecond",\r\n'
)
OLD = "name,text\nInk,ink drawing\n,\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "styles.csv"
    path.write_bytes(text.encode())
    return path


def test_a_file_of_a1111(tmp_path: Path) -> None:
    assert read_presets(written(tmp_path, A1111)) == [
        PromptPreset("Photo", "photo of {prompt}, 35mm", "drawing, (text:1.2)"),
        PromptPreset("------ mine ------"),
        PromptPreset("Two, lines", "first\nsecond"),
    ]


def test_an_old_file_and_none(tmp_path: Path) -> None:
    assert read_presets(written(tmp_path, OLD)) == [PromptPreset("Ink", "ink drawing")]
    assert read_presets(tmp_path / "none.csv") == []


def test_what_a_preset_does() -> None:
    hole, tail = PromptPreset("x", "photo of {prompt}, 35mm", "text"), PromptPreset("y", " ink ", "")
    assert hole.over("a cat", "blurry") == ("photo of a cat, 35mm", "blurry, text")
    assert tail.over("a cat ", "") == ("a cat, ink", "")
    assert tail.over("", "") == ("ink", "")


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00"), max_size=30)


@given(st.dictionaries(words.map(str.strip).filter(bool), st.tuples(words, words), max_size=5))
def test_presets_come_back(
    tmp_path_factory: pytest.TempPathFactory, told: dict[str, tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("presets") / "styles.csv"
    presets = [PromptPreset(name, *texts) for name, texts in told.items()]
    save_presets(path, presets)
    assert read_presets(path) == presets
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert next(csv.reader(file)) == ["name", "prompt", "negative_prompt"]


def test_keeping_and_taking(tmp_path: Path) -> None:
    path = written(tmp_path, A1111)
    keep_preset(path, PromptPreset("Ink", "ink"))
    found = take_presets(path, [PromptPreset("Photo", "another"), PromptPreset("Oil", "oil")])
    assert found == read_presets(path)
    assert [one.name for one in found] == ["Photo", "------ mine ------", "Two, lines", "Ink", "Oil"]
    assert found[0].prompt == "another"


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", 'name,prompt\n"open,x\n'])
def test_other_files_are_refused_and_stay(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InvalidFileError):
        keep_preset(path, PromptPreset("Ink"))
    assert path.read_bytes() == text.encode()


def test_no_text_at_all(tmp_path: Path) -> None:
    path = tmp_path / "styles.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidFileError, match="UTF-8"):
        read_presets(path)
    with pytest.raises(InvalidRequestError, match="no name"):
        keep_preset(tmp_path / "new.csv", PromptPreset("  "))
