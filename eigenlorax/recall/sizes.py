"""Widths and heights as programs write them."""

import re

_SIZE = re.compile(r"\(?\s*'?(\d{1,6})'?\s*[,x×*]\s*'?(\d{1,6})'?\s*\)?")


def size_of(words: str) -> tuple[int, int] | None:
    """ "832x1216", "832×1216" or "(832, 1216)" as width and height, both above 0."""
    match = _SIZE.fullmatch(words.strip()[:40])
    sides = (int(match.group(1)), int(match.group(2))) if match else (0, 0)
    return sides if min(sides) > 0 else None
