"""Dropped files, kept while a job asks for them."""

import os
import shutil
import time
from pathlib import Path

import pytest
from PIL import Image

from eigenlorax.errors import InvalidFileError
from eigenlorax.jobs.drops import drops_folder, keep_drops, keep_picture, sweep_drops
from tests.jobs.fakes import Gated, serving, submit


def test_files_outlive_the_folder_they_were_dropped_in(tmp_path: Path) -> None:
    files = []
    for place, (name, content) in enumerate(
        (("cat.png", b"cat"), ("cat.txt", b"a cat"), ("same.png", b"cat"))
    ):
        (tmp_path / "temp" / str(place)).mkdir(parents=True)
        files.append(tmp_path / "temp" / str(place) / name)
        files[-1].write_bytes(content)
    kept = keep_drops(tmp_path / "data", files)
    again = keep_drops(tmp_path / "data", files)
    shutil.rmtree(tmp_path / "temp")
    assert again == kept
    assert [path.name for path in kept] == ["cat.png", "cat.txt", "same.png"]
    assert [path.read_bytes() for path in kept] == [b"cat", b"a cat", b"cat"]
    assert len(list((tmp_path / "data").rglob("*.*"))) == 3
    with pytest.raises(InvalidFileError, match=r"cat\.png is no file any more"):
        keep_drops(tmp_path / "data", files)


def test_pictures_drawn_on_the_page_are_files_of_their_content(tmp_path: Path) -> None:
    one, other = (Image.new("L", (4, 4), grey) for grey in (3, 200))
    paths = [keep_picture(tmp_path, picture) for picture in (one, one.copy(), other)]
    assert paths[0] == paths[1] != paths[2]
    with Image.open(paths[2]) as seen:
        assert seen.tobytes() == other.tobytes()


def test_what_no_job_asks_for_goes_after_a_day(tmp_path: Path) -> None:
    names = ("asked", "old", "fresh")
    for name in names:
        (tmp_path / name).write_text(name)
    asked, old, fresh = keep_drops(tmp_path, [tmp_path / name for name in names])
    with serving(tmp_path, Gated()) as server:
        submit(server, sources=[str(asked)])
    two_days_ago = time.time() - 48 * 3600
    for path in (asked, old):
        os.utime(path.parent, (two_days_ago, two_days_ago))
    with serving(tmp_path, Gated()):
        assert asked.is_file()
        assert fresh.is_file()
        assert not old.exists()
    sweep_drops(tmp_path, "", time.time() + 48 * 3600)
    assert list(drops_folder(tmp_path).iterdir()) == []
