"""Along what the styles of a collection differ: the principal directions of their updates.

Strength taken out: with u_i = dW_i / |dW_i|, their mean m, and the centred table of cosines J C J = sum_k
lambda_k v_k v_k^T, the k-th direction is sum_i v_ik u_i / sqrt(lambda_k): it has norm 1, is a mixture of the
styles, and v_ik sqrt(lambda_k) is where style i lies along it. That is principal component analysis in its
dual form, and classical scaling of the distances sqrt(2 - 2 cos) as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from eigenlorax.blending.gram import Grams
from eigenlorax.blending.normalise import median_norm

_NOISE = 1e-9


@dataclass(frozen=True)
class Direction:
    """One principal direction.

    Attributes:
        share: Part of the styles' variance along it, in [0, 1].
        places: Style -> where it lies along it; sums up to 0. Styles that do nothing are left out.
        mixture: Style -> strength in the mixture that has the norm of the collection's middle style: "+1".
    """

    share: float
    places: Mapping[str, float]
    mixture: Mapping[str, float]

    @property
    def ends(self) -> tuple[str, str]:
        """The styles at the far ends: at the minus side, at the plus side."""
        return min(self.places, key=self.places.__getitem__), max(self.places, key=self.places.__getitem__)


def directions(grams: Grams, count: int) -> list[Direction]:
    """The `count` principal directions with the most variance, strongest first; fewer where there are fewer.

    The sign makes the largest place positive.
    """
    names, norms, centred = _centred(grams)
    total = float(centred.diagonal().sum())
    if len(names) < 2 or total <= _NOISE:
        return []
    energy, vectors = torch.linalg.eigh(centred)
    middle, found = median_norm(grams), []
    for place in range(len(names) - 1, max(len(names) - 1 - count, -1), -1):
        value, vector = float(energy[place]), vectors[:, place]
        if value <= _NOISE * total:
            break
        vector = vector * vector[vector.abs().argmax()].sign()
        places = (vector * value**0.5).tolist()
        mixture = (middle * vector / (norms * value**0.5)).tolist()
        found.append(
            Direction(
                value / total, dict(zip(names, places, strict=True)), dict(zip(names, mixture, strict=True))
            )
        )
    return found


def _centred(grams: Grams) -> tuple[list[str], Float64[Tensor, " real"], Float64[Tensor, "real real"]]:
    """The styles that do something, their norms, and their table of cosines about the mean."""
    norms = grams.norms
    real = [place for place, norm in enumerate(norms.tolist()) if norm > 0.0]
    table = grams.cosines[real][:, real]
    rows = table.mean(0)
    return [grams.names[i] for i in real], norms[real], table - rows - rows[:, None] + rows.mean()
