"""A style's learning curves, kept while it learns and told with it: pauses leave no gap in them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from eigenlorax.library.atomic import told, written_aside

Points = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Curves:
    """What was measured by step.

    Attributes:
        train: Loss of the pictures that are learnt from, as it is weighted.
        held: Mean squared error on held-out pictures.
    """

    train: Points = ()
    held: Points = ()

    def until(self, step: int) -> "Curves":
        """What was known after a step."""
        return Curves(*(tuple(point for point in one if point[0] <= step) for one in (self.train, self.held)))

    def thinned(self, most: int) -> "Curves":
        """At most so many points of each, first and last among them; numbers to six digits."""
        return Curves(_thinned(self.train, most), _thinned(self.held, most))


def save_curves(curves: Curves, path: Path) -> None:
    """Write in place of an earlier file, whole or not at all.

    Raises:
        NotWrittenError: the disk refused.
    """
    with told(path.parent), written_aside(path) as aside:
        aside.write_text(json.dumps({"train": curves.train, "held": curves.held}), encoding="utf-8")


def load_curves(path: Path, step: int) -> Curves:
    """What was kept up to a step; empty where there is no file, or none that can be believed."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Curves(points_of(content["train"]), points_of(content["held"])).until(step)
    except (OSError, ValueError, TypeError, ArithmeticError, LookupError, RecursionError):
        return Curves()


def points_of(value: Any) -> Points:
    """Pairs of a step and a finite number, steps rising.

    Raises:
        ValueError, TypeError: it is something else.
    """
    points = tuple((step, float(number)) for step, number in value)
    steps = [step for step, _ in points]
    if any(type(step) is not int or step < 0 for step in steps) or sorted(set(steps)) != steps:
        raise ValueError("steps of a curve do not rise")
    if not all(isfinite(number) for _, number in points):
        raise ValueError("a curve holds numbers that are none")
    return points


def _thinned(points: Points, most: int) -> Points:
    count = min(most, len(points))
    places: Sequence[int] = [round(i * (len(points) - 1) / max(1, count - 1)) for i in range(count)]
    return tuple((points[place][0], float(f"{points[place][1]:.6g}")) for place in places)
