"""Where a taught style comes from: kept in its notes, so that it goes wherever the style goes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from eigenlorax.errors import InvalidFileError
from eigenlorax.library.curves import Curves, points_of
from eigenlorax.library.kinds import believed
from eigenlorax.subspace.style import Style

#: The topic of a style's notes.
PROVENANCE = "provenance"
Setting = bool | int | float | str

_VERSION = 1
_MOST_BYTES = 64 * 1024
_MOST_PICTURES, _MOST_CAPTION, _MOST_POINTS = 200, 200, 200
_REMEDY = "get the style again from where it came"


@dataclass(frozen=True)
class LearntFrom:
    """One picture.

    Attributes:
        sha256: Of its file, hex.
        caption: The first 200 characters.
        held_out: Only measured by.
    """

    sha256: str
    caption: str
    held_out: bool


@dataclass(frozen=True)
class Provenance:
    """How a style was taught.

    Attributes:
        program: Which version of this program taught it.
        subspace: Hash of the subspace that it was taught in.
        base: Name of the base model.
        pictures: The first 200.
        picture_count: All there were.
        settings: By name.
        start: Donor -> its share in the start; empty where it began from nothing.
        numbers: How many coefficients learnt.
        errors: Held-out error without the style, at the start, and of what was kept.
        curves: 200 points each at most.
    """

    program: str
    subspace: str
    base: str
    pictures: tuple[LearntFrom, ...]
    picture_count: int
    settings: Mapping[str, Setting]
    start: Mapping[str, float]
    numbers: int
    errors: tuple[float, float, float]
    curves: Curves


def note_of(provenance: Provenance) -> str:
    """A provenance as the text of a note; pictures and points beyond its bounds are left out."""
    curves = provenance.curves.thinned(_MOST_POINTS)
    pictures = [[one.sha256, one.caption[:_MOST_CAPTION], one.held_out] for one in provenance.pictures]
    content = {
        "version": _VERSION,
        "program": provenance.program,
        "subspace": provenance.subspace,
        "base": provenance.base,
        "picture_count": provenance.picture_count,
        "settings": dict(provenance.settings),
        "start": {name: float(f"{share:.6g}") for name, share in provenance.start.items()},
        "numbers": provenance.numbers,
        "errors": provenance.errors,
        "train": curves.train,
        "held": curves.held,
    }
    kept = min(len(pictures), _MOST_PICTURES)
    while len(text := _told({**content, "pictures": pictures[:kept]})) > _MOST_BYTES and kept:
        kept //= 2
    return text


def _told(content: Mapping[str, object]) -> str:
    return json.dumps(content, separators=(",", ":"))


def provenance_of(style: Style) -> Provenance | None:
    """What a style says of its teaching; None where it was not taught, or says nothing of it.

    Raises:
        InvalidFileError: what it says cannot be.
    """
    text = style.notes.get(PROVENANCE)
    if text is None:
        return None
    with believed(Path(style.name), _REMEDY):
        if len(text) > 2 * _MOST_BYTES:
            raise ValueError("its provenance is too long")
        content = json.loads(text)
        if content["version"] != _VERSION:
            raise InvalidFileError(
                f"{style.name} tells of its teaching in a form unknown here: update the program"
            )
        return _checked(content)


def _checked(content: Mapping[str, Any]) -> Provenance:
    errors = tuple(_number(value) for value in content["errors"])
    if len(errors) != 3:
        raise ValueError("three errors should be told")
    settings = {_text(name): _setting(value) for name, value in content["settings"].items()}
    return Provenance(
        program=_text(content["program"]),
        subspace=_hash(content["subspace"]),
        base=_text(content["base"]),
        pictures=tuple(
            LearntFrom(_hash(digest), _text(caption), _truth(held))
            for digest, caption, held in content["pictures"]
        ),
        picture_count=_count(content["picture_count"]),
        settings=settings,
        start={_text(name): _number(share) for name, share in content["start"].items()},
        numbers=_count(content["numbers"]),
        errors=errors,
        curves=Curves(points_of(content["train"]), points_of(content["held"])),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} should be text")
    return value


def _hash(value: Any) -> str:
    if len(_text(value)) != 64 or set(value) - set("0123456789abcdef"):
        raise ValueError(f"{value!r} is no SHA-256")
    return str(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} should be true or false")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def _setting(value: Any) -> Setting:
    if isinstance(value, (bool, int, str)):
        return value
    return _number(value)
