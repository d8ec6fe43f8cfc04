"""Strengths that give every style of a blend an equal share of the blended update."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float64
from torch import Tensor

from eigenlorax.blending.gram import Grams
from eigenlorax.errors import InvalidRequestError
from eigenlorax.recipe import StyleBlend

_SWEEPS = 2000
_EXACT = 1e-10
_HALVINGS = 60
_CANCELLED = (
    "these styles all but cancel each other out, so no strengths balance them: take one away or turn it round"
)


def balanced(grams: Grams, strengths: StyleBlend, locked: Sequence[str] = ()) -> dict[str, float]:
    """Strengths s with s_i <dW_i, B> the same for every free style, B = sum_j s_j dW_j, and |B| as before.

    Signs stay. Locked styles keep their strengths; what they take is not shared out. For one c > 0 the
    strengths are the minimum of 1/2 |B|^2 - c sum_free ln |s_i|, which is where s_i <dW_i, B> = c for every
    free i; it is convex, so found by descent along one strength at a time,
    s_i = (sqrt(a_i^2 + 4 c G_ii) - a_i) / (2 G_ii) with a_i = sum_(j != i) G_ij s_j. |B| grows with c, which
    is halved in on.

    Args:
        grams: With the dials' factors in them; holds every style with a strength.
        strengths: Those of the blend; a style at 0, or one that does nothing, stays as it is.
        locked: Styles to leave alone.

    Returns:
        Every style of `strengths`.

    Raises:
        InvalidRequestError: fewer than two are free, or they cancel each other out whatever their strengths.

    Source: equal risk contributions, Maillard, Roncalli and Teiletche, J. of Portfolio Management 36 (2010),
        by the cyclical descent of Griveau-Billion, Richard and Roncalli (arXiv:1311.4057).
    """
    names = [name for name in grams.names if strengths.get(name)]
    table = grams.of(names).total
    signs = torch.tensor([1.0 if strengths[name] > 0 else -1.0 for name in names], dtype=torch.float64)
    table = signs[:, None] * table * signs
    real = float(table.diagonal().max()) * 1e-12 if names else 0.0
    free = [i for i, name in enumerate(names) if name not in locked and float(table[i, i]) > real]
    if len(free) < 2:
        raise InvalidRequestError("there is nothing to balance: switch on two styles that are not locked")
    start = torch.tensor([abs(strengths[name]) for name in names], dtype=torch.float64)
    size = float(start @ table @ start)
    if size <= real:
        raise InvalidRequestError(_CANCELLED)

    def at(scale: float) -> Float64[Tensor, " styles"]:
        return _shared(table, start, free, scale)

    scale = _reached(lambda c: float((s := at(c)) @ table @ s), size)
    found = at(scale) * signs
    return {**strengths, **{names[i]: float(found[i]) for i in free}}


def _shared(
    table: Float64[Tensor, "styles styles"], start: Tensor, free: Sequence[int], scale: float
) -> Float64[Tensor, " styles"]:
    """The strengths whose free ones each hold `scale` of the squared size."""
    s = start.clone()
    for _ in range(_SWEEPS):
        moved = 0.0
        for i in free:
            own = float(table[i, i])
            rest = float(table[i] @ s) - own * float(s[i])
            new = ((rest * rest + 4.0 * scale * own) ** 0.5 - rest) / (2.0 * own)
            moved = max(moved, abs(new - float(s[i])) / max(new, 1e-300))
            s[i] = new
        if moved < _EXACT:
            return s
    raise InvalidRequestError(_CANCELLED)


def _reached(size_at: Callable[[float], float], size: float) -> float:
    """The scale at which a growing size is met."""
    low, high = 1e-9 * size, size
    while size_at(high) < size:
        high *= 4.0
    for _ in range(_HALVINGS):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if size_at(middle) < size else (low, middle)
        if high / low < 1.0 + 1e-9:
            break
    return high
