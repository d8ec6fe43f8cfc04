"""A dense update -> the LoRA factors of the fewest columns that keep a stated share of its energy."""

import torch
from jaxtyping import Float
from torch import Tensor

from eigenlorax.lora import LoRALayer

KEEP_ENERGY = 1.0 - 1e-6
"""Share of squared Frobenius norm that factors of a dense update keep: 0.001 relative error."""


def low_rank(matrix: Float[Tensor, "rows columns"], keep: float = KEEP_ENERGY) -> LoRALayer:
    """Factor a dense update by its SVD, cut at the rank that keeps `keep` of its energy.

    The SVD is taken from the smaller side's Gram matrix in float64: for a tall update that is many
    times faster than a full SVD, and float64 leaves its squared condition harmless.

    Args:
        matrix: float32 update.
        keep: Fraction in (0, 1] of squared Frobenius norm.

    Source: Eckart & Young (1936): no matrix of that rank is nearer.
    """
    if matrix.shape[0] < matrix.shape[1]:
        flipped = low_rank(matrix.mT, keep)
        return LoRALayer(flipped.down.mT.contiguous(), flipped.up.mT.contiguous())
    tall = matrix.double()
    energies, right = torch.linalg.eigh(tall.mT @ tall)
    energies, right = energies.flip(0).clamp(min=0.0), right.flip(1)
    lost = energies.sum() - energies.cumsum(0)
    rank = min(int((lost > (1.0 - keep) * energies.sum()).sum()) + 1, right.shape[1])
    frame = right[:, :rank]
    return LoRALayer((tall @ frame).float(), frame.mT.float().contiguous())
