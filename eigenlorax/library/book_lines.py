"""The lines of a file that only grows, and that can be made anew when it cannot be read."""

from pathlib import Path


def book_lines(path: Path, most_bytes: int) -> list[str]:
    """Its lines; none of a file that is not there, cannot be read, or has more bytes than that."""
    try:
        if path.stat().st_size > most_bytes:
            return []
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
