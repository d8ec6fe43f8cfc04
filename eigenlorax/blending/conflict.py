"""How much the styles of a blend pull against each other, or say the same."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from eigenlorax.blending.gram import Grams, cosines
from eigenlorax.dials import Region
from eigenlorax.recipe import StyleBlend


@dataclass(frozen=True)
class Pair:
    """Two styles of a blend.

    Attributes:
        one, other: Their names.
        cosine: Of their updates with the signs of their strengths, in [-1, 1]: below 0 they pull against each
            other, above they go the same way.
    """

    one: str
    other: str
    cosine: float


@dataclass(frozen=True)
class Conflict:
    """How the parts of a blended update B = sum_i s_i dW_i lie to each other.

    Attributes:
        names: The styles that do something, as they stand in the blend.
        balance: Sum over pairs of <s_i dW_i, s_j dW_j> / sum over pairs of |s_i dW_i| |s_j dW_j|, in
            [-1, 1]: their mean cosine, each pair as heavy as its styles; 0 when they are strangers.
        kept: |B| / sqrt(sum |s_i dW_i|^2): 1 for strangers, below 1 where they cancel each other.
        pairs: Every pair, the largest |cosine| first.
        parts: Region -> its own `balance`; only regions that two styles touch.
        shares: Style -> its share of the blended update, <s_i dW_i, B> / |B|^2; they sum up to 1. Empty
            where nothing is left of the blend.
    """

    names: tuple[str, ...]
    balance: float
    kept: float
    pairs: tuple[Pair, ...]
    parts: Mapping[Region, float]
    shares: Mapping[str, float]

    @property
    def worst(self) -> Pair | None:
        """The pair with the most to say to each other; None for fewer than two styles."""
        return self.pairs[0] if self.pairs else None


def conflict(grams: Grams, strengths: StyleBlend) -> Conflict:
    """Measure a blend.

    Args:
        grams: With the dials' factors in them; holds every style with a strength.
        strengths: Dimensionless.
    """
    names = tuple(name for name in grams.names if strengths.get(name))
    own = grams.of(names)
    worn = torch.tensor([strengths[name] for name in names], dtype=torch.float64)
    parts = {region: worn[:, None] * table * worn for region, table in own.parts.items()}
    table = torch.stack(list(parts.values())).sum(0)
    angles = cosines(table)
    pairs = [
        Pair(names[i], names[j], float(angles[i, j]))
        for i in range(len(names))
        for j in range(i + 1, len(names))
    ]
    apart, together = float(table.diagonal().sum()), float(table.sum())
    shares = (table.sum(1) / together).tolist() if together > 1e-12 * apart and apart > 0.0 else []
    return Conflict(
        names,
        _balance(table) or 0.0,
        (max(0.0, together) / apart) ** 0.5 if apart > 0.0 else 1.0,
        tuple(sorted(pairs, key=lambda pair: -abs(pair.cosine))),
        {region: found for region, part in parts.items() if (found := _balance(part)) is not None},
        dict(zip(names, shares, strict=True)) if shares else {},
    )


def _balance(table: Float64[Tensor, "styles styles"]) -> float | None:
    """Mean cosine of the pairs, weighted by their lengths; None where no two have a length."""
    norms = table.diagonal().clamp(min=0.0).sqrt()
    most = float(norms.sum().square() - norms.square().sum())
    if most <= 1e-12 * float(norms.square().sum()):
        return None
    return max(-1.0, min(1.0, float(table.sum() - table.diagonal().sum()) / most))
