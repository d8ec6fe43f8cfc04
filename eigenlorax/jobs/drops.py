"""Files dropped on the page, kept for as long as a job asks for them."""

import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.hashes import file_sha256
from eigenlorax.library.atomic import told, written_aside

_GRACE_S = 24 * 3600.0


def drops_folder(root: Path) -> Path:
    """Where dropped files lie in a data folder, each in a folder named by its content."""
    return root / "drops"


def keep_drops(root: Path, files: Iterable[Path]) -> list[Path]:
    """Copy files out of a temporary folder, so that a job finds them however long it waits.

    Names are kept, since captions are read from them and from texts of the same name; a file that is there
    already is not copied again.

    Args:
        root: The data folder.
        files: As they were dropped.

    Returns:
        Where they lie now, in order.

    Raises:
        InvalidFileError: one of them is no file any more.
        NotWrittenError: the disk refused.
    """
    return [_kept(drops_folder(root), file) for file in files]


def sweep_drops(root: Path, asked: str, now: float) -> None:
    """Remove files that no kept job asks for and that nobody has dropped for a day.

    Args:
        root: The data folder.
        asked: All that jobs ask for, as text.
        now: Seconds since 1970.
    """
    for folder in drops_folder(root).glob("*"):
        if folder.name not in asked and now - folder.stat().st_mtime > _GRACE_S:
            shutil.rmtree(folder, ignore_errors=True)


def _kept(place: Path, file: Path) -> Path:
    if not file.is_file():
        raise InvalidFileError(f"{file.name} is no file any more: drop it again")
    target = place / file_sha256(file) / file.name
    with told(target):
        if not target.is_file():
            with written_aside(target) as aside:
                shutil.copyfile(file, aside)
        os.utime(target.parent, (now := time.time(), now))
    return target
