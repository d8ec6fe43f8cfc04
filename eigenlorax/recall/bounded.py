"""Text, numbers and JSON from strangers, within bounds."""

import json
import math
from collections.abc import Mapping
from typing import Any

from eigenlorax.errors import InvalidFileError

MOST_TEXT = 4_000_000
"""Characters that are looked at; a large ComfyUI workflow has some hundred thousand."""

_MOST_DEPTH = 200
_MOST_SHOWN = 300
_MOST_UNREAD = 64


def parsed(text: str, what: str) -> Any:
    """JSON, NaN and Infinity included as ComfyUI writes them.

    Raises:
        InvalidFileError: it is none, or larger or deeper than any settings are.
    """
    if len(text) > MOST_TEXT:
        raise InvalidFileError(
            f"{what} has {len(text):,} characters, more than settings need: it is not read"
        )
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidFileError(
            f"{what} should be JSON and is not: the picture was changed or cut off"
        ) from error
    if _depth(value) > _MOST_DEPTH:
        raise InvalidFileError(f"{what} is nested deeper than settings are: it is not read")
    return value


def _depth(value: Any) -> int:
    """Levels of a JSON value, at most one more than allowed."""
    level, depth = [value], 0
    while level and depth <= _MOST_DEPTH:
        depth += 1
        inner: list[Any] = []
        for one in level:
            inner += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        level = [one for one in inner if isinstance(one, dict | list)]
    return depth


def mapping(value: Any) -> Mapping[str, Any]:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """The value when it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str:
    """The value when it is text, stripped, else nothing."""
    return value.strip() if isinstance(value, str) else ""


def number(value: Any) -> float | None:
    """A finite number, given as such or as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)[:40]) > 39:
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def whole(value: Any) -> int | None:
    """A whole number, given as such or as text; a fraction is cut off."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 1 << 64 else None
    if isinstance(value, str) and value.strip().lstrip("+-").isdecimal() and len(value) < 24:
        return int(value)
    found = number(value)
    return None if found is None or abs(found) >= 1 << 64 else int(found)


def unread(left: Mapping[str, Any]) -> dict[str, str]:
    """What was not understood, for people to look at: the first keys, each value shortened."""
    shown = {}
    for key, value in list(left.items())[:_MOST_UNREAD]:
        if value in (None, "", [], {}):
            continue
        words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        shown[key[:_MOST_SHOWN]] = words if len(words) <= _MOST_SHOWN else words[: _MOST_SHOWN - 1] + "…"
    return shown
