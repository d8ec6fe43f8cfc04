"""The style rack's value: one JSON text, and what is made of it."""

import json
from collections.abc import Mapping
from typing import Any

from eigenlorax.errors import InvalidRequestError

EMPTY = "{}"
#: Largest strength that a slider of the rack shows.
LIMIT = 2.0
Entries = Mapping[str, Mapping[str, Any]]
#: No style has this name: what lies here belongs to the rack as a whole.
_RACK = ""


def strengths(value: str) -> dict[str, float]:
    """The rack's value -> the strengths in use: a soloed style alone, else those that are on and not muted.

    Raises:
        InvalidRequestError: it is not a JSON object of styles.
    """
    return _worn(entries_of(value))


def two_blends(value: str) -> dict[str, dict[str, float]]:
    """The rack's two blends by their sides "a" and "b"; the other side is missing until it was first shown.

    A locked style is at both ends what it is now.

    Raises:
        InvalidRequestError: it is not what the rack writes.
    """
    entries, rack = _parsed(value)
    now, side = strengths(value), "b" if rack.get("side") == "b" else "a"
    if "other" not in rack:
        return {side: now}
    other = rack["other"]
    if not isinstance(other, dict) or not all(isinstance(entry, dict) for entry in other.values()):
        raise InvalidRequestError("the rack's other blend cannot be read: flip to it and set it anew")
    there = {**_worn(other), **{name: now.get(name, 0.0) for name, e in entries.items() if e.get("lock")}}
    return {side: now, "a" if side == "b" else "b": there}


def entries_of(value: str) -> Entries:
    """The rack's value by style.

    Raises:
        InvalidRequestError: it is not a JSON object of styles.
    """
    return _parsed(value)[0]


def scale_of(entry: Mapping[str, Any]) -> float:
    """The factor that makes a style's strength compare with the others'; 1 where it is taken as it is.

    Raises:
        InvalidRequestError: it is no positive number.
    """
    try:
        scale = float(entry.get("scale", 1.0))
    except (TypeError, ValueError) as error:
        raise InvalidRequestError("a scale of the style rack is not a number") from error
    if not 0.0 < scale < float("inf"):
        raise InvalidRequestError(f"a scale of the style rack is {scale}: it must be a positive number")
    return scale


def _parsed(value: str) -> tuple[Entries, Mapping[str, Any]]:
    """The styles' entries, and the rack's own."""
    try:
        entries = json.loads(value or EMPTY)
    except (TypeError, json.JSONDecodeError) as error:
        raise InvalidRequestError('styles must be JSON such as {"neon": {"strength": 0.8}}') from error
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise InvalidRequestError('styles must be a JSON object such as {"neon": {"strength": 0.8}}')
    return {name: entry for name, entry in entries.items() if name != _RACK}, entries.get(_RACK, {})


def _worn(entries: Entries) -> dict[str, float]:
    soloed = {name: entry for name, entry in entries.items() if entry.get("solo")}
    heard = {n: entry for n, entry in entries.items() if entry.get("on", True) and not entry.get("mute")}
    try:
        return {
            name: float(entry.get("strength", 1.0)) * scale_of(entry)
            for name, entry in (soloed or heard).items()
        }
    except (TypeError, ValueError) as error:
        raise InvalidRequestError("a strength of the style rack is not a number") from error
