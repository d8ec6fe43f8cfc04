"""The dials of the styles in use, from the rack's value."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from eigenlorax.dials import Dials
from eigenlorax.errors import InvalidRequestError
from ui.rack_value import entries_of

_FACTORS = tuple(field.name for field in fields(Dials) if field.name != "curve")
_CURVES: Mapping[str, tuple[tuple[float, float], ...]] = {
    "": (),
    "constant": (),
    "fade in": ((0.0, 0.0), (1.0, 1.0)),
    "fade out": ((0.0, 1.0), (1.0, 0.0)),
}


def dials_of(value: str) -> dict[str, Dials]:
    """The rack's value -> the dials of each style that has any beside 1.

    `dials` maps a name of `Dials` to its factor; its `curve` is "constant", "fade in", "fade out" or points
    of progress and factor such as "0:1, 0.6:0.2".

    Raises:
        InvalidRequestError: it is not what the rack writes; a factor or a point is out of range.
    """
    found = {}
    for name, entry in entries_of(value).items():
        dials = _dials(name, entry.get("dials") or {})
        if dials != Dials():
            dials.check(name)
            found[name] = dials
    return found


def _dials(name: str, told: Any) -> Dials:
    if not isinstance(told, dict) or (unknown := set(told) - {*_FACTORS, "curve"}):
        odd = "dials" if not isinstance(told, dict) else ", ".join(sorted(unknown))
        raise InvalidRequestError(f"{name}: cannot read {odd}: dials are {', '.join(_FACTORS)} and curve")
    try:
        factors = {key: float(told[key]) for key in _FACTORS if key in told}
    except (TypeError, ValueError) as error:
        raise InvalidRequestError(f"{name}: a dial is not a number") from error
    return Dials(**factors, curve=curve_of(name, told.get("curve", "")))


def curve_of(name: str, words: Any) -> tuple[tuple[float, float], ...]:
    """A curve by its name or by its points.

    Raises:
        InvalidRequestError: it is neither.
    """
    words = str(words).strip().lower()
    if words in _CURVES:
        return _CURVES[words]
    points = []
    for point in words.split(","):
        progress, _, factor = point.partition(":")
        try:
            points.append((float(progress), float(factor)))
        except ValueError as error:
            raise InvalidRequestError(
                f'{name}: cannot read the point "{point.strip()}" of its curve: write progress:factor, '
                "as in 0:1, 0.6:0.2"
            ) from error
    return tuple(points)
