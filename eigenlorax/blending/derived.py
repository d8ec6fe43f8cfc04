"""Styles that are made by name: "dice 17", "remix 17" and "direction 1" of the open collection.

Each is decided by its name and the collection alone, so it needs no keeping: a reload, another page and the
command line make the same one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eigenlorax.blending.dice import remixed, sampled
from eigenlorax.blending.gram import Grams
from eigenlorax.blending.leading import directions
from eigenlorax.recipe import MAX_SEED

MOST_DIRECTIONS = 8
_NAME = re.compile(r"(dice|remix|direction) (\d{1,10})")
#: Styles that are named when one tells what it is made of.
_TOLD = 4


@dataclass(frozen=True)
class Derivation:
    """What a derived style is made of.

    Attributes:
        kind: "dice", "remix" or "direction".
        number: Its seed, or its place among the directions.
        strengths: Style -> strength in the mixture.
    """

    kind: str
    number: int
    strengths: Mapping[str, float]

    @property
    def name(self) -> str:
        """As it stands in a blend."""
        return f"{self.kind} {self.number}"

    @property
    def words(self) -> str:
        """What it is made of: the strongest parts first."""
        return f"made of {len(self.strengths)} styles: {told(self.strengths)}"


def can_derive(name: str) -> bool:
    """Whether a name is one that a collection may make a style from."""
    match = _NAME.fullmatch(name)
    if match is None:
        return False
    kind, number = match[1], int(match[2])
    return 1 <= number <= MOST_DIRECTIONS if kind == "direction" else number <= MAX_SEED


def derivation(name: str, grams: Grams) -> Derivation | None:
    """What a name stands for in a collection; None where it is no such name, or there is no such direction.

    Args:
        name: Such as "dice 17".
        grams: Of the whole collection, without derived styles.

    Raises:
        InvalidRequestError: the collection is too small to throw dice with.
    """
    if not can_derive(name):
        return None
    kind, _, digits = name.partition(" ")
    number = int(digits)
    if kind == "direction":
        found = directions(grams, number)
        return Derivation(kind, number, found[number - 1].mixture) if len(found) >= number else None
    return Derivation(kind, number, sampled(grams, number) if kind == "dice" else remixed(grams, number))


def told(strengths: Mapping[str, float], most: int = _TOLD) -> str:
    """A mixture in words, its strongest parts first: "neon 0.8, chalk -0.3 and 12 more"."""
    order: Sequence[str] = sorted(strengths, key=lambda name: -abs(strengths[name]))
    words = ", ".join(f"{name} {strengths[name]:.2f}" for name in order[:most])
    return f"{words} and {len(order) - most} more" if len(order) > most else words
