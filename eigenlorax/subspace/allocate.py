"""Bytes against error: how many shared columns each module gets, and which style gets private ranks.

Every module has a few options: (k_out, k_in) shared columns with a core for each style, (0, 0) among them.
On top of an option every style may buy private ranks, the singular directions of what the shared columns
miss. At a price lambda per byte each module takes the option with the least error + lambda * bytes, and every
private rank that is worth its bytes. The price is found by bisection. Since (0, 0) with private ranks is
truncating each LoRA alone, the outcome is never worse than that at equal bytes: at any price it would have
been taken, and at the end both are compared.

Source: Lagrangian rate-distortion allocation, Shoham & Gersho, "Efficient bit allocation for an arbitrary set
of quantizers" (1988); the two-sided core is arXiv:2502.04700 as a Tucker-2 form.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from operator import mul, neg, sub

from eigenlorax.module_path import ModulePath

_STEPS = 70
_SINGLE, _STEP_SHARE = 256, 64


@dataclass(frozen=True)
class Option:
    """One way to keep a module.

    Attributes:
        k_out: Shared columns on the output side.
        k_in: Shared columns on the input side.
        file_bytes: Bases and cores.
        error: Weighted squared error, summed over styles, before any private rank.
        gains: Steps of private ranks, over all styles, descending: error that one rank of it takes away.
        price: Bytes of one private rank.
        sizes: Ranks in each step; empty when each has one.
    """

    k_out: int
    k_in: int
    file_bytes: int
    error: float
    gains: Sequence[float]
    price: int
    sizes: Sequence[int] = ()

    @cached_property
    def ranks(self) -> Sequence[int]:
        """Private ranks after no, one, two, ... steps."""
        return array("q", accumulate(self.sizes, initial=0)) if self.sizes else range(len(self.gains) + 1)

    @cached_property
    def left(self) -> Sequence[float]:
        """Error after no, one, two, ... steps."""
        steps = map(mul, self.gains, self.sizes) if self.sizes else self.gains
        return array("d", accumulate(steps, sub, initial=self.error))


@dataclass(frozen=True)
class Choice:
    """What a module gets: an option and how many steps of its private ranks, the best first."""

    option: Option
    bought: int

    @property
    def ranks(self) -> int:
        """Private ranks, over all styles."""
        return self.option.ranks[self.bought]

    @property
    def file_bytes(self) -> int:
        """Bases, cores and private ranks."""
        return self.option.file_bytes + self.ranks * self.option.price

    @property
    def error(self) -> float:
        """Weighted squared error that is left."""
        return self.option.left[self.bought]

    @property
    def next_bytes(self) -> int:
        """Bytes of one step more."""
        return (self.option.ranks[self.bought + 1] - self.ranks) * self.option.price


def option_of(
    k_out: int, k_in: int, file_bytes: int, error: float, gains: Sequence[float], price: int
) -> Option:
    """An option from the gains of all its private ranks, descending, in steps that stay few however many.

    The first 256 ranks are steps of their own; further down a step has a 64th of the ranks before it, whose
    gains hardly differ, so that 500 styles of rank 32 take a few hundred steps.
    """
    means, sizes = array("d", gains[:_SINGLE]), array("q", [1] * len(gains[:_SINGLE]))
    start = len(means)
    while start < len(gains):
        step = gains[start : start + start // _STEP_SHARE]
        means.append(sum(step) / len(step))
        sizes.append(len(step))
        start += len(step)
    return Option(k_out, k_in, file_bytes, error, means, price, sizes)


Options = Mapping[ModulePath, Sequence[Option]]
Choices = Mapping[ModulePath, Choice]


def within_budget(options: Options, budget: int) -> Choices:
    """The choices of least error whose numbers take at most `budget` bytes.

    A budget below what the cheapest choice of every module takes gives that cheapest choice.
    """
    below, above = _around(options, budget)
    found = [
        _upgrade(options, _fill(start, budget), budget) for start in (below, _shrunk(options, above, budget))
    ]
    found.append(_fill(_around(_alone(options), budget)[0], budget))
    fitting = [choices for choices in found if _bytes(choices) <= budget]
    return min(fitting, key=_error) if fitting else below


def within_error(options: Options, error: float) -> Choices:
    """The choices of least bytes whose weighted squared error is at most `error`, or the nearest there is."""
    shared = cheapest_within(options, error)
    alone = cheapest_within(_alone(options), error)
    return alone if _error(alone) <= error and _bytes(alone) < _bytes(shared) else shared


def cheapest_within(options: Options, error: float) -> dict[ModulePath, Choice]:
    """Each module's choice at the highest price per byte whose outcome has at most `error`."""
    dear, cheap = _bisected(options, lambda choices: _error(choices) > error)
    return dear if _error(dear) <= error else cheap


def _around(options: Options, budget: int) -> tuple[dict[ModulePath, Choice], dict[ModulePath, Choice]]:
    """The choices on both sides of the price per byte at which the budget is met: (within, beyond)."""
    dear, cheap = _bisected(options, lambda choices: _bytes(choices) <= budget)
    return (cheap if _bytes(cheap) <= budget else dear), cheap


def _bisected(
    options: Options, holds_when_dear: Callable[[dict[ModulePath, Choice]], bool]
) -> tuple[dict[ModulePath, Choice], dict[ModulePath, Choice]]:
    """The choices on both sides of the price per byte above which `holds_when_dear`: (dearer, cheaper)."""
    low, high = -60.0, 20.0  # powers of ten
    dear, cheap = at_price(options, 10.0**high), at_price(options, 10.0**low)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        candidate = at_price(options, 10.0**middle)
        if holds_when_dear(candidate):
            high, dear = middle, candidate
        else:
            low, cheap = middle, candidate
    return dear, cheap


def at_price(options: Options, price: float) -> dict[ModulePath, Choice]:
    """Each module's choice of least error + price * bytes."""
    found = {}
    for path, choices in options.items():
        offers = [Choice(o, bisect_left(o.gains, -price * o.price, key=neg)) for o in choices]
        found[path] = min(offers, key=lambda choice: choice.error + price * choice.file_bytes)
    return found


def _fill(choices: dict[ModulePath, Choice], budget: int) -> dict[ModulePath, Choice]:
    """Spend what is left on further private ranks, the most error per byte first."""
    left = budget - _bytes(choices)
    waiting = [
        (gain / choice.option.price, path)
        for path, choice in choices.items()
        for gain in choice.option.gains[choice.bought :]
        if gain > 0.0
    ]
    filled = dict(choices)
    for _, path in sorted(waiting, key=lambda item: -item[0]):
        now = filled[path]
        if now.next_bytes <= left:
            left -= now.next_bytes
            filled[path] = Choice(now.option, now.bought + 1)
    return filled


def _upgrade(options: Options, choices: dict[ModulePath, Choice], budget: int) -> dict[ModulePath, Choice]:
    """Spend what is still left on another option for a module, the most error per byte first."""
    found = dict(choices)
    while True:
        left = budget - _bytes(found)
        best: tuple[float, ModulePath, Choice] | None = None
        for path, now in found.items():
            for option in options[path]:
                room = now.file_bytes + left - option.file_bytes
                if room < 0:
                    continue
                other = Choice(option, bisect_right(option.ranks, room // option.price) - 1)
                gain, extra = now.error - other.error, max(other.file_bytes - now.file_bytes, 1)
                if gain > 1e-12 and (best is None or gain / extra > best[0]):
                    best = gain / extra, path, other
        if best is None:
            return found
        found[best[1]] = best[2]


def _shrunk(options: Options, choices: dict[ModulePath, Choice], budget: int) -> dict[ModulePath, Choice]:
    """Get down to the budget, by another option for a module or by fewer private ranks, least error first.

    Between the corners that prices find, with few modules, the best lies as often below the dearer corner as
    above the cheaper one.
    """
    found = dict(choices)
    while (over := _bytes(found) - budget) > 0:
        best: tuple[float, ModulePath, Choice] | None = None
        for path, now in found.items():
            offers = [Choice(now.option, now.bought - 1)] if now.bought else []
            for option in options[path]:
                room = now.file_bytes - over - option.file_bytes
                if option.file_bytes < now.file_bytes:
                    bought = bisect_right(option.ranks, max(room, 0) // option.price) - 1
                    offers.append(Choice(option, bought))
            for other in offers:
                saved = min(now.file_bytes - other.file_bytes, over)
                loss = (other.error - now.error) / saved
                if best is None or loss < best[0]:
                    best = loss, path, other
        if best is None:
            break
        found[best[1]] = best[2]
    return found


def _alone(options: Options) -> Options:
    return {path: [o for o in choices if o.k_out == 0] for path, choices in options.items()}


def _bytes(choices: Choices) -> int:
    return sum(choice.file_bytes for choice in choices.values())


def _error(choices: Choices) -> float:
    return sum(choice.error for choice in choices.values())
