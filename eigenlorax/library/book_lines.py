"""The lines of a file that only grows, and that can be made anew when it cannot be read."""

import contextlib
from pathlib import Path


def book_lines(path: Path, most_bytes: int) -> list[str]:
    """Its lines; none of a file that is not there, cannot be read, or has more bytes than that."""
    try:
        if path.stat().st_size > most_bytes:
            return []
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def add_lines(path: Path, lines: str) -> None:
    """Append lines, or go on without them where the disk takes none: a reader on a full disk still reads."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(lines)
