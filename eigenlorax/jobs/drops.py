"""Files dropped on the page, kept for as long as a job asks for them."""

import hashlib
import os
import shutil
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from secrets import token_hex

from PIL import Image

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


def keep_picture(root: Path, picture: Image.Image) -> Path:
    """Store a picture that was drawn on the page, such as a mask, so that a job can be asked for it.

    Args:
        root: The data folder.
        picture: Of any mode that PNG has.

    Raises:
        NotWrittenError: the disk refused.
    """
    content = BytesIO()
    picture.save(content, format="PNG")
    target = drops_folder(root) / hashlib.sha256(content.getvalue()).hexdigest() / "picture.png"
    with told(target):
        if not target.is_file():
            with written_aside(target) as aside:
                aside.write_bytes(content.getvalue())
        _touch(target.parent)
    return target


def keep_together(root: Path, files: Iterable[Path]) -> list[Path]:
    """Move files that were dropped at once into one folder: a preview or a note belongs to what it lies by.

    Args:
        root: The data folder.
        files: Each in a folder of its own, as uploads lie; these folders go.

    Returns:
        Where they lie now, in order.

    Raises:
        InvalidFileError: one of them is no file any more.
        NotWrittenError: the disk refused.
    """
    folder = drops_folder(root) / token_hex(16)
    return [_moved(file, folder, str(place)) for place, file in enumerate(files)]


def let_go(root: Path, files: Iterable[Path]) -> None:
    """Remove what `keep_together` has kept; other files stay as they are."""
    place = drops_folder(root)
    for file in files:
        if file.is_relative_to(place):
            shutil.rmtree(place / file.relative_to(place).parts[0], ignore_errors=True)


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
        _touch(target.parent)
    return target


def _moved(file: Path, folder: Path, own: str) -> Path:
    """Into the folder, or into one of its own there when another file of that name came first."""
    if not file.is_file():
        raise InvalidFileError(f"{file.name} is no file any more: drop it again")
    target = folder / file.name
    if target.exists():
        target = folder / own / file.name
    with told(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, target)
        _touch(folder)
    shutil.rmtree(file.parent, ignore_errors=True)
    return target


def _touch(folder: Path) -> None:
    """Dropped once more, it stays for another day."""
    os.utime(folder)
