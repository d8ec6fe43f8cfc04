"""Which base a subspace was made for: the same checkpoint, a relative of it, or a stranger of its shapes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

from eigenlorax.module_path import ModulePath

#: One base in another precision, or summed on another device, differs by rounding alone.
SAME = 1e-4
#: Fine-tunes and merges of one base move a weight's norm by a few percent; independent trainings by far more.
RELATED = 0.10


class Kinship(StrEnum):
    """How near two bases are."""

    SAME = "same"
    RELATED = "related"
    FOREIGN = "foreign"


@dataclass(frozen=True)
class Fingerprint:
    """What tells one base from another of the same architecture.

    Attributes:
        name: As the user knows it.
        norms: Module -> Frobenius norm of the base's weight there. Hundreds of norms that agree are one base:
            a hash of all weights would say no more and cost seconds at every start.
    """

    name: str
    norms: Mapping[ModulePath, float]


@dataclass(frozen=True)
class Comparison:
    """A verdict on two bases and the figure behind it: the root mean square relative difference of norms."""

    kinship: Kinship
    difference: float

    def notice(self, made_for: str) -> str:
        """What the user should expect of styles made for the base of that name; empty for the same base."""
        if self.kinship is Kinship.SAME:
            return ""
        expect = (
            "its styles will look much as they did"
            if self.kinship is Kinship.RELATED
            else "its styles will hardly work here: compress LoRAs of this base instead"
        )
        return (
            f"The styles were made for {made_for}, which is {self.kinship.value} to this base "
            f"(norms differ by {self.difference:.1%}): {expect}."
        )


def compare(one: Fingerprint, other: Fingerprint) -> Comparison:
    """Compare two bases over the modules that both fingerprints cover."""
    shared = [path for path in one.norms if path in other.norms]
    squares = [
        ((one.norms[path] - other.norms[path]) / max(one.norms[path], other.norms[path], 1e-12)) ** 2
        for path in shared
    ]
    difference = sqrt(sum(squares) / len(squares)) if squares else 1.0
    if difference <= SAME:
        return Comparison(Kinship.SAME, difference)
    return Comparison(Kinship.RELATED if difference <= RELATED else Kinship.FOREIGN, difference)
