"""Pictures as one that moves."""

from pathlib import Path

import pytest
from PIL import Image

from eigenlorax.errors import NotWrittenError
from eigenlorax.library.animation import FRAME_MS, REST_MS, keep_animation

COLOURS = ((250, 10, 10), (10, 250, 10), (10, 10, 250))


def frames(path: Path) -> list[tuple[tuple[int, int, int], int]]:
    """The colour of each frame's middle, and how long it stays, in ms."""
    found = []
    with Image.open(path) as moving:
        assert moving.info["loop"] == 0
        for number in range(moving.n_frames):
            moving.seek(number)
            moving.load()
            pixel = moving.convert("RGB").getpixel((8, 8))
            nearest = min(COLOURS, key=lambda c: sum(abs(a - b) for a, b in zip(c, pixel, strict=True)))
            found.append((nearest, moving.info["duration"]))
    return found


def test_there_and_back_with_a_rest_at_both_ends(tmp_path: Path) -> None:
    images = [Image.new("RGB", (16, 16), colour) for colour in COLOURS]
    path = keep_animation(images, tmp_path / "00003-7.png")
    assert path == tmp_path / "00003-7.webp"
    red, green, blue = COLOURS
    assert frames(path) == [(red, REST_MS), (green, FRAME_MS), (blue, REST_MS), (green, FRAME_MS)]


def test_two_pictures_are_enough(tmp_path: Path) -> None:
    images = [Image.new("RGB", (16, 16), colour) for colour in COLOURS[:2]]
    assert frames(keep_animation(images, tmp_path / "a.png")) == [
        (COLOURS[0], REST_MS),
        (COLOURS[1], REST_MS),
    ]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    images = [Image.new("RGB", (16, 16), colour) for colour in COLOURS]
    with pytest.raises(NotWrittenError, match=r"a\.webp could not be written"):
        keep_animation(images, tmp_path / "file" / "a.png")
