"""The outputs folder as a collection: found newest first, searched, shown small, deleted and brought back."""

import os
from pathlib import Path

import pytest
from PIL import Image

from eigenlorax.errors import InvalidFileError
from eigenlorax.infotext import infotext
from eigenlorax.library.library import Library
from eigenlorax.outputs.outputs import THUMBNAIL_SIDE, Outputs, styles_in
from eigenlorax.outputs.trash import Held, Trash
from eigenlorax.outputs.words import words_of
from eigenlorax.recipe import GenerationRequest

REQUESTS = (
    GenerationRequest("a red apple", "a pear", 1, styles={"neon": 0.8}),
    GenerationRequest("a cat,\non a chair", "", 2, styles={"neon": 1.0, "chalk": 0.5}),
    GenerationRequest("日本の猫", "", 3),
)


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    library = Library(tmp_path)
    for place, request in enumerate(REQUESTS):
        path = library.keep_picture(
            Image.new("RGB", (400, 300)), infotext(request, "Euler", {}), request.seed
        )
        os.utime(path, ns=(0, place * 10**9))
    return Outputs(tmp_path)


def seeds(outputs: Outputs, search: str = "", style: str = "") -> list[str]:
    return [one.key.rpartition("-")[2] for one in outputs.pictures(search, style)]


def test_the_newest_come_first_and_a_search_looks_at_prompt_styles_and_name(outputs: Outputs) -> None:
    assert seeds(outputs) == ["3.png", "2.png", "1.png"]
    assert seeds(outputs, "APPLE red") == seeds(outputs, "00000-1") == ["1.png"]
    assert seeds(outputs, "pear") == []  # what was not wanted is not what it shows
    assert seeds(outputs, "猫") == ["3.png"]
    assert seeds(outputs, style="neon") == seeds(outputs, "neon") == ["2.png", "1.png"]
    assert seeds(outputs, "cat", "chalk") == ["2.png"]
    assert styles_in(outputs.pictures()) == {"neon": 2, "chalk": 1}


def test_prompts_are_read_without_their_tags(outputs: Outputs) -> None:
    assert [one.words.prompt for one in outputs.pictures()] == [one.prompt for one in reversed(REQUESTS)]


def test_a_text_longer_than_the_head_is_read_whole(tmp_path: Path) -> None:
    long = "a red apple, " * 4000
    path = Library(tmp_path).keep_picture(
        Image.new("RGB", (8, 8)), f"{long}\nSteps: 3, Seed: 1, Size: 8x8", 1
    )
    assert words_of(path).prompt == long.strip()


def test_files_that_are_no_pictures_and_half_written_ones_are_passed_over(outputs: Outputs) -> None:
    day = outputs.path_of(outputs.pictures()[0].key).parent
    (day / ".writing-x.png").write_bytes(b"")
    (day / "notes.txt").write_text("cat")
    (day / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert len(outputs.pictures()) == 4
    broken = outputs.pictures("broken")[0].key
    with pytest.raises(InvalidFileError, match="damaged"):
        outputs.thumbnail(broken)


def test_a_changed_picture_is_read_anew_and_the_stamp_tells(outputs: Outputs) -> None:
    (first,) = outputs.pictures("apple")
    before = outputs.stamp()
    Library(outputs.folder.parent).keep_picture(
        Image.new("RGB", (8, 8)), "a dog\nSteps: 1, Seed: 9, Size: 8x8", 9
    )
    assert outputs.stamp() != before
    assert seeds(outputs)[0] == "9.png"
    path = outputs.path_of(first.key)
    outputs.path_of(outputs.pictures("dog")[0].key).replace(path)
    assert [one.words.prompt for one in outputs.pictures("00000-1")] == ["a dog"]


def test_thumbnails_are_small_and_made_once(outputs: Outputs) -> None:
    key = outputs.pictures()[0].key
    small = outputs.thumbnail(key)
    with Image.open(small) as picture:
        assert (picture.size, picture.format) == ((THUMBNAIL_SIDE, 240), "WEBP")
    made = small.stat().st_mtime_ns
    assert outputs.thumbnail(key).stat().st_mtime_ns == made


@pytest.mark.parametrize("key", ["../secret.png", "/etc/passwd", "", "txt2img-images", "gone.png", "x\0.png"])
def test_nothing_outside_is_reached(outputs: Outputs, key: str) -> None:
    (outputs.folder.parent / "secret.png").write_bytes(b"x")
    with pytest.raises(InvalidFileError, match="look again"):
        outputs.path_of(key)
    with pytest.raises(InvalidFileError):
        Trash(outputs, outputs.folder.parent).discard([key])


def test_what_is_deleted_comes_back_as_it_was_batch_by_batch(outputs: Outputs) -> None:
    trash = Trash(outputs, outputs.folder.parent)
    keys = [one.key for one in outputs.pictures()]
    contents = {key: outputs.path_of(key).read_bytes() for key in keys}
    assert (trash.last(), trash.undo()) == (0, [])
    assert trash.discard(keys[:2]) == 2
    assert trash.discard(keys[2:]) == 1
    assert outputs.pictures() == []
    again = Trash(outputs, outputs.folder.parent)  # after a restart
    assert again.last() == 1
    assert again.undo() == keys[2:]
    assert sorted(again.undo()) == sorted(keys[:2])
    assert [one.key for one in outputs.pictures()] == keys  # times are kept
    assert {key: outputs.path_of(key).read_bytes() for key in keys} == contents
    assert trash.undo() == []


def test_one_bad_name_keeps_all_and_a_taken_name_loses_nothing(outputs: Outputs) -> None:
    trash, key = Trash(outputs, outputs.folder.parent), outputs.pictures()[0].key
    with pytest.raises(InvalidFileError):
        trash.discard([key, "gone.png"])
    path = outputs.path_of(key)
    trash.discard([key])
    path.write_bytes(b"another")
    (back,) = trash.undo()
    assert back == key.replace(".png", "-2.png")
    assert path.read_bytes() == b"another"


def test_the_trash_is_emptied_up_to_what_was_asked_about(outputs: Outputs) -> None:
    keys, trash = [one.key for one in outputs.pictures()], Trash(outputs, outputs.folder.parent)
    assert trash.held() == Held()
    size = sum(outputs.path_of(key).stat().st_size for key in keys[:2])
    trash.discard(keys[:2])
    held = trash.held()
    assert (held.pictures, held.bytes) == (2, size)
    trash.discard(keys[2:3])  # between the question and its answer
    assert trash.empty(held.last) == 2
    assert trash.held().pictures == 1
    assert trash.undo() == keys[2:3]
    assert trash.empty("") == 0
