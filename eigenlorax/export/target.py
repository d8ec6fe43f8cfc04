"""Where an export goes: nothing that is there is lost, and what the disk says is told in words."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eigenlorax.errors import InvalidRequestError, NotWrittenError


@contextmanager
def told(target: Path) -> Iterator[None]:
    """Turn what the disk says into words.

    Raises:
        NotWrittenError: instead of any OSError in the block.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "the disk is full: make room" if full else f"{error.strerror or error}: check the folder"
        raise NotWrittenError(f"{target.name} could not be written to {target.parent} ({advice})") from error


def free_target(target: Path, replace: bool) -> Path:
    """The target, if nothing that is there would be lost.

    Raises:
        InvalidRequestError: something is there.
    """
    if target.is_dir() or (target.exists() and not replace):
        raise InvalidRequestError(f"{target} is there already: choose another name")
    return target


def bytes_of(path: Path) -> int:
    """Size of a file, or of all files of a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
