"""What the user says is kept, and nothing else can be said."""

import json
from pathlib import Path

import pytest

from eigenlorax.errors import InvalidRequestError, NotWrittenError
from eigenlorax.library import kept_json
from eigenlorax.library.kept_json import KeptJson
from eigenlorax.library.names import Names
from eigenlorax.library.notes import SILENT, Note, Notes, words_of


def test_notes_outlive_the_program_and_change_by_attribute(tmp_path: Path) -> None:
    path = tmp_path / "notes.json"
    notes = Notes(path)
    notes.write("neon", {"favourite": True, "tags": ["night", "city"]})
    assert notes.write("neon", {"preferred_weight": 0.8}) == Note(
        favourite=True, tags=("night", "city"), preferred_weight=0.8
    )
    notes.write("chalk", {"text": "soft\nlines", "rating": 4})
    assert Notes(path).all() == {
        "neon": Note(favourite=True, tags=("night", "city"), preferred_weight=0.8),
        "chalk": Note(text="soft\nlines", rating=4),
    }
    notes.write("chalk", {"text": "", "rating": 0})
    assert json.loads(path.read_text()).keys() == {"loras"}
    assert notes.of("chalk") == SILENT
    # An empty list is a word of the user's: the file's own words are not wanted.
    assert notes.write("chalk", {"trigger_words": []}).trigger_words == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"favorite": True},
        {"preferred_weight": 99},
        {"preferred_weight": "strong"},
        {"preferred_weight": float("nan")},
        {"rating": 6},
        {"rating": True},
        {"tags": "one"},
        {"tags": [1]},
        {"text": "x" * 20_001},
    ],
)
def test_nonsense_is_refused_and_nothing_is_written(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(InvalidRequestError):
        Notes(tmp_path / "notes.json").write("neon", changes)
    assert list(tmp_path.iterdir()) == []


def test_damaged_entries_say_nothing_and_a_damaged_file_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "notes.json"
    path.write_text('{"loras": {"a": 3, "b": {"rating": "x"}, "c": {"rating": 2, "later": 1}}}')
    assert Notes(path).all() == {"a": SILENT, "b": SILENT, "c": Note(rating=2)}
    path.write_text('{"loras": {')
    Notes(path).write("a", {"rating": 1})
    assert (tmp_path / "notes.json.damaged").read_text() == '{"loras": {'
    assert Notes(path).of("a") == Note(rating=1)


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = Notes(tmp_path / "notes.json")
    notes.write("a", {"rating": 1})

    def full(target: Path) -> object:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept_json, "written_aside", full)
    with pytest.raises(NotWrittenError, match="disk is full"):
        notes.write("a", {"rating": 2})
    assert notes.of("a") == Note(rating=1)


def test_another_programs_change_is_seen(tmp_path: Path) -> None:
    one, other = KeptJson(tmp_path / "x.json"), KeptJson(tmp_path / "x.json")
    with one.changing() as content:
        content["a"] = 1
    assert other.read() == {"a": 1}
    with other.changing() as content:
        content["b"] = 2
    assert one.read() == {"a": 1, "b": 2}


def test_words_of_a_line() -> None:
    assert words_of(" neon, a city ,, neon ") == ("neon", "a city")


def test_names_stay_with_their_files(tmp_path: Path) -> None:
    paths = [Path("/w/b/x.safetensors"), Path("/w/c/x.safetensors"), Path("/v/c/x.safetensors")]
    names = Names(tmp_path / "names.json")
    assert list(names.give(paths[:1], {"y"}).values()) == ["x"]
    # One that sorts before it does not take its name, nor does the order matter.
    given = Names(tmp_path / "names.json").give([*paths[::-1]], ())
    assert given == {paths[0]: "x", paths[2]: "x (c)", paths[1]: "x (c 2)"}
    # The library's own has the first claim; a file that was moved has its name back.
    assert names.give(paths[:1], {"x"}) == {paths[0]: "x (b)"}
    moved = Path("/elsewhere/x.safetensors")
    assert names.give([moved], ()) == {moved: "x"}
