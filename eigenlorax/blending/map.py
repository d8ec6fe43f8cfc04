"""A collection on a sheet of paper: styles that do alike lie near each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot

from eigenlorax.blending.gram import Grams
from eigenlorax.blending.leading import directions

Point = tuple[float, float]
NEIGHBOURS = 3
#: Distance below which a point is the style's own, in units of the map.
_THERE = 1e-6


@dataclass(frozen=True)
class StyleMap:
    """Where the styles lie.

    Attributes:
        points: Style -> (x, y), within [-1, 1] and up to one of its ends; distances keep their proportions.
        share: Part of the styles' variance that the two axes show, in [0, 1].
    """

    points: Mapping[str, Point]
    share: float


def style_map(grams: Grams) -> StyleMap:
    """The projection on the two leading directions of the updates, strength taken out.

    The same as classical scaling of the distances sqrt(2 - 2 cos). A style that does nothing is left out; a
    single one lies in the middle.
    """
    axes = directions(grams, 2)
    if not axes:
        real = [name for name, norm in zip(grams.names, grams.norms.tolist(), strict=True) if norm > 0.0]
        return StyleMap(dict.fromkeys(real, (0.0, 0.0)), 1.0)
    across = axes[0].places
    up = axes[1].places if len(axes) > 1 else dict.fromkeys(across, 0.0)
    most = max(max(abs(value) for value in axis.values()) for axis in (across, up))
    points = {name: (across[name] / most, up[name] / most) for name in across}
    return StyleMap(points, sum(axis.share for axis in axes))


def neighbours(points: Mapping[str, Point], at: Point, count: int = NEIGHBOURS) -> dict[str, float]:
    """The nearest styles by inverse squared distance: strengths that sum up to 1, the nearest first.

    Args:
        points: Of a map, at least one.
        at: Where on it.
        count: How many styles.

    Source: Shepard's interpolation, A two-dimensional interpolation function for irregularly-spaced data
        (1968), with its exponent 2.
    """
    far = {name: hypot(x - at[0], y - at[1]) for name, (x, y) in points.items()}
    nearest = sorted(far, key=far.__getitem__)[:count]
    if far[nearest[0]] <= _THERE:
        return {nearest[0]: 1.0}
    weights = {name: far[name] ** -2 for name in nearest}
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}
