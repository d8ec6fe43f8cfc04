"""Files that are either wholly there or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_aside(target: Path) -> Iterator[Path]:
    """Yield a path to write to; on success it replaces `target`, on an exception it is removed.

    The path yielded lies in the target's folder, so that the final move is one rename on one disk.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".writing-", suffix=target.suffix, dir=target.parent)
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
    aside = Path(tempfile.mkdtemp(prefix=".writing-", dir=target.parent))
    try:
        yield aside
        if target.exists():
            old = Path(tempfile.mkdtemp(prefix=".writing-", dir=target.parent))
            target.replace(old / "replaced")
            aside.replace(target)
            shutil.rmtree(old)
        else:
            aside.replace(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
