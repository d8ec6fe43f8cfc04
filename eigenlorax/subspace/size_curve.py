"""How many bytes a quality costs, told beforehand: the fit's own options, weighed on some modules only."""

import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log, sqrt

import torch

from eigenlorax.errors import InvalidRequestError
from eigenlorax.lora import LoRA
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.allocate import Option, at_price
from eigenlorax.subspace.frames import hosvd
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.options import options_of
from eigenlorax.subspace.updates import Updates

#: Modules that are looked at. Of the demo collection's 156 these told its size to 5.5 % at 0.9 of the effect,
#: to 4 % at 0.97 and to 2 % at 0.995; all of them tell it to 0.4 %.
SAMPLED = 48
_ROUND = 8
_PRICES = 72
_DECADES = 12.0
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class SizeCurve:
    """What share of a collection so many bytes of numbers keep.

    Attributes:
        points: (mean share of squared norm kept, bytes of numbers), both ascending.
        measured: Modules that were looked at.
        modules: All that the collection changes.
    """

    points: tuple[tuple[float, int], ...]
    measured: int
    modules: tuple[ModulePath, ...]

    def number_bytes(self, retain: float) -> int:
        """Bytes of numbers that keep a share in (0, 1]; that of the nearest point beyond the curve's ends."""
        points = [(_nearness(kept), log(size)) for kept, size in self.points]
        return round(exp(_between(points, _nearness(retain))))

    def kept(self, number_bytes: int) -> float:
        """Share that so many bytes of numbers keep; that of the nearest point beyond the curve's ends."""
        turned = [(log(size), _nearness(kept)) for kept, size in self.points]
        return 1.0 - exp(-_between(turned, log(max(number_bytes, 1))))


def sampled(modules: Iterable[ModulePath], most: int = SAMPLED) -> list[ModulePath]:
    """At most so many modules, evenly from all kinds of them, in an order whose beginnings are even too.

    Modules of one kind have one name but for their numbers: they are alike in shape and in what they do.
    """
    ordered = sorted(modules, key=lambda path: (_kind(path), path))
    count = min(most, len(ordered))
    chosen = [ordered[(2 * place + 1) * len(ordered) // (2 * count)] for place in range(count)]
    return sorted(chosen, key=lambda path: _mirrored(chosen.index(path)))


def size_curve(
    loras: Sequence[LoRA],
    importance: Mapping[ModulePath, float],
    numbers: Numbers,
    most: int = SAMPLED,
) -> Generator[SizeCurve, None, SizeCurve]:
    """The curve of a collection, from a sample of its modules; with all of them it is the fit's own.

    Every sampled module stands for as many as there are for each, and a LoRA's norm is that of the sample.
    The fit chooses among the very same options, so what is uncertain is the sample alone.

    Args:
        loras: The collection.
        importance: Factor on each module's squared error, as in the fit.
        numbers: What is stored.
        most: Modules to look at.

    Yields:
        The curve so far, every eight modules.

    Raises:
        InvalidRequestError: no LoRA, or none that changes anything.
    """
    changed = [(lora, frozenset(lora.layers)) for lora in loras]
    modules = frozenset[ModulePath]().union(*(paths for _, paths in changed))
    chosen = sampled(modules, most)
    norms = [
        sqrt(sum(lora.layers[path].norm ** 2 * importance[path] for path in chosen if path in paths))
        for lora, paths in changed
    ]
    weights = {
        lora.name: 1.0 / norm if norm > 0.0 else 0.0 for (lora, _), norm in zip(changed, norms, strict=True)
    }
    if not any(weights.values()):
        raise InvalidRequestError("there is nothing to measure: choose a LoRA that changes weights")
    options: dict[ModulePath, list[Option]] = {}
    curve: SizeCurve | None = None
    for path in chosen:
        updates = Updates([lora for lora, paths in changed if path in paths], path, _CPU)
        own = [weights[name] * sqrt(importance[path]) for name in updates.names]
        options[path] = options_of(updates, own, hosvd(updates, own), numbers)
        if len(options) % _ROUND == 0 or len(options) == len(chosen):
            curve = SizeCurve(_points(options, len(modules)), len(options), tuple(sorted(modules)))
            yield curve
    assert curve is not None  # the last module ends a round
    return curve


def _points(options: Mapping[ModulePath, Sequence[Option]], modules: int) -> tuple[tuple[float, int], ...]:
    energy = sum(choices[0].error for choices in options.values())
    scale = modules / len(options)
    offers = [option for choices in options.values() for option in choices]
    dearest = max((gain / option.price for option in offers for gain in option.gains[:1]), default=0.0)
    found = dict[int, float]()
    for step in range(_PRICES):
        price = 2.0 * dearest * 10.0 ** (-_DECADES * step / (_PRICES - 1))
        choices = at_price(options, price).values()
        size = round(scale * sum(choice.file_bytes for choice in choices))
        found[size] = min(1.0, max(0.0, 1.0 - sum(choice.error for choice in choices) / energy))
    rising = sorted(found.items())
    return tuple((kept, size) for size, kept in rising if size > 0)


def _nearness(kept: float) -> float:
    """-log of the share that is lost: over it the logarithm of bytes is nearly straight."""
    return -log(max(1.0 - kept, 1e-9))


def _between(points: Sequence[tuple[float, float]], at: float) -> float:
    """The value at a place between two points by a straight line; beyond the ends the end's."""
    if at <= points[0][0]:
        return points[0][1]
    for (left, low), (right, high) in pairwise(points):
        if at <= right:
            return low + (high - low) * (at - left) / (right - left)
    return points[-1][1]


def _kind(path: ModulePath) -> str:
    return re.sub(r"\d+", "#", str(path))


def _mirrored(place: int) -> float:
    """The place's binary digits behind the point, the last first: 0, 1/2, 1/4, 3/4, ..."""
    share, step = 0.0, 0.5
    while place:
        share += step * (place & 1)
        place, step = place >> 1, step / 2
    return share
