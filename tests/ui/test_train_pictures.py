"""Pictures come into the table of captions: dropped, named, or the demo's; each other file has its reason."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from eigenlorax.errors import InvalidRequestError
from eigenlorax.home import DEMO_MODEL
from eigenlorax.jobs.drops import drops_folder
from eigenlorax.studio import Studio
from tests.conftest import CPU
from ui.train_pictures import (
    EXAMPLE_TRIGGER,
    Chosen,
    captions_from,
    dropped,
    examples,
    has_examples,
    named,
    typed,
)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Studio:
    return Studio(str(tiny_model), tmp_path_factory.mktemp("data"), CPU)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures, one of them with a caption beside it, and a broken one."""
    folder = tmp_path / "mine"
    folder.mkdir()
    Image.new("RGB", (200, 100), "teal").save(folder / "red fox.png")
    Image.new("RGBA", (100, 100), (255, 0, 0, 0)).save(folder / "IMG_1.png")
    (folder / "IMG_1.txt").write_text("a square, my look")
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    return folder


def rows(chosen: Chosen) -> list[dict[str, str]]:
    return json.loads(chosen.table)


def test_a_folder_stays_where_it_is(studio: Studio, folder: Path) -> None:
    chosen = typed(studio, "[]", f' "{folder}" ')
    assert [(Path(row["path"]), row["text"], row["origin"]) for row in rows(chosen)] == [
        (folder / "IMG_1.png", "a square, my look", "the text beside it"),
        (folder / "red fox.png", "red fox", "its file's name"),
    ]
    assert rows(chosen)[1]["facts"] == "200 × 100"
    ((name, reason),) = chosen.left_out
    assert name == "bad.png" and reason
    seen = Path(rows(chosen)[0]["thumb"].removeprefix("gradio_api/file="))
    with Image.open(seen) as thumbnail:
        assert thumbnail.convert("RGB").getpixel((50, 50)) == (255, 255, 255)  # as learnt from: on white


def test_uploads_are_moved_where_they_outlive_the_page(studio: Studio, folder: Path, tmp_path: Path) -> None:
    uploads = []
    for number, file in enumerate(sorted(folder.iterdir())):
        place = tmp_path / "uploads" / str(number)
        place.mkdir(parents=True)
        uploads.append(Path(shutil.copy(file, place)))
    chosen = dropped(studio, "[]", uploads)
    assert [row["text"] for row in rows(chosen)] == ["a square, my look", "red fox"]
    assert all(Path(row["path"]).is_relative_to(drops_folder(studio.library.root)) for row in rows(chosen))
    assert all(Path(row["path"]).is_file() for row in rows(chosen))
    assert not any(path.is_file() for path in (tmp_path / "uploads").rglob("*"))
    again = dropped(studio, chosen.table, [Path(shutil.copy(folder / "red fox.png", tmp_path / "uploads"))])
    assert again.table == chosen.table


def test_pictures_join_those_that_are_there_and_edited_captions_stay(studio: Studio, folder: Path) -> None:
    first = named(studio, "[]", [folder / "red fox.png"])
    edited = [{**rows(first)[0], "text": "a fox of mine", "origin": "edited"}]
    both = named(studio, json.dumps(edited), [folder / "IMG_1.png"])
    assert [row["name"] for row in rows(both)] == ["red fox.png", "IMG_1.png"]
    assert [caption.text for caption in captions_from(both.table)] == ["a fox of mine", "a square, my look"]


@pytest.mark.parametrize("given", ["", "  ", "/no/such/folder"])
def test_paths_that_lead_nowhere_say_so(studio: Studio, given: str) -> None:
    with pytest.raises(InvalidRequestError):
        typed(studio, "[]", given)


def test_an_empty_folder_says_so(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="holds no pictures"):
        typed(studio, "[]", str(tmp_path))


@pytest.mark.parametrize("table", ["nonsense", "{}", "[1]", '[{"text": "a"}]', '[{"path": "a"}]'])
def test_a_table_that_is_none_is_refused(table: str) -> None:
    with pytest.raises(InvalidRequestError, match="JSON"):
        captions_from(table)


def test_the_demo_brings_pictures_to_try(studio: Studio, tmp_path: Path) -> None:
    assert not has_examples(studio)
    demo = Studio(str(DEMO_MODEL), tmp_path, CPU)
    assert has_examples(demo)
    found = rows(examples(demo))
    assert len(found) == 8
    assert all(row["origin"] == "the text beside it" and EXAMPLE_TRIGGER in row["text"] for row in found)
