"""Files that are either wholly there or not at all, and what the disk says, in words."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eigenlorax.errors import NotWrittenError

ASIDE = ".writing-"
"""How the name of everything half-written starts; whoever lists a folder passes such names over."""


@contextmanager
def written_aside(target: Path) -> Iterator[Path]:
    """Yield a path to write to; on success it replaces `target`, on an exception it is removed.

    The path yielded lies in the target's folder, so that the final move is one rename on one disk.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=ASIDE, suffix=target.suffix, dir=target.parent)
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def folder_written_aside(target: Path) -> Iterator[Path]:
    """Yield a new folder to fill; on success it becomes `target`, on an exception it is removed.

    A `target` that is there already is replaced.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=ASIDE, dir=target.parent))
    try:
        yield aside
        if target.exists():
            old = Path(tempfile.mkdtemp(prefix=ASIDE, dir=target.parent))
            target.replace(old / "replaced")
            aside.replace(target)
            shutil.rmtree(old)
        else:
            aside.replace(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


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


def whole_files(folder: Path, ending: str) -> list[Path]:
    """The files of a folder that end so, by name, without any that a killed process left half-written."""
    return sorted(path for path in folder.glob(f"*{ending}") if not path.name.startswith(ASIDE))
