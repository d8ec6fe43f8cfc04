"""A style's dials as JSON, as they stand in a picture's text."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from eigenlorax.dials import AS_IT_IS, Dials, StyleDials
from eigenlorax.errors import InvalidRequestError
from eigenlorax.recall.bounded import listed, mapping, number

_FACTORS = tuple(f.name for f in fields(Dials) if f.name != "curve")


def dials_text(told: StyleDials) -> str:
    """What the dials say beside 1; empty where they say nothing."""
    changed = {
        name: {
            f.name: getattr(dials, f.name)
            for f in fields(dials)
            if getattr(dials, f.name) != getattr(AS_IT_IS, f.name)
        }
        for name, dials in told.items()
        if dials != AS_IT_IS
    }
    return json.dumps(changed, ensure_ascii=False) if changed else ""


def dials_from(words: str) -> dict[str, Dials]:
    """The dials of each style; none at all where any of it cannot be meant."""
    try:
        told = json.loads(words)
    except (ValueError, RecursionError):
        return {}
    found = {name: _dials(name, mapping(one)) for name, one in mapping(told).items()}
    return {} if None in found.values() else {name: one for name, one in found.items() if one}


def _dials(name: str, told: Mapping[str, Any]) -> Dials | None:
    if set(told) - {*_FACTORS, "curve"}:
        return None
    factors = {key: number(told[key]) for key in _FACTORS if key in told}
    points = [tuple(number(part) for part in listed(point)) for point in listed(told.get("curve"))]
    if None in factors.values() or any(len(point) != 2 or None in point for point in points):
        return None
    dials = Dials(**factors, curve=tuple(points))  # type: ignore[arg-type]  # None was refused above
    try:
        dials.check(name)
    except InvalidRequestError:
        return None
    return dials
