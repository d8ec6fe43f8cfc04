"""How one module's updates of many LoRAs overlap, from the Gram matrices of their orthonormal frames alone.

All frames side by side have R = sum of ranks columns. Their two R x R Gram matrices hold everything that is
asked here: neither a dense update nor a basis is formed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from eigenlorax.subspace.basis import CanonicalLayer

#: Singular values below this share of the largest are float32 rounding, whose directions mean nothing.
_NOISE = 4 * torch.finfo(torch.float32).eps
#: Squared length below which a direction of unit vectors is rounding: half precision leaves some 1e-7.
_RIDGE = 1e-8


@dataclass(frozen=True)
class Columns:
    """The canonical columns of one module of all LoRAs, strength taken out.

    Attributes:
        owner: Index of the LoRA that each column belongs to, ascending.
        sigma: Singular values, each times its LoRA's weight.
        out: Gram matrix of the left singular vectors.
        into: Gram matrix of the right singular vectors.
        shape: (out, in) of the module.
    """

    owner: Int64[Tensor, " columns"]
    sigma: Float64[Tensor, " columns"]
    out: Float64[Tensor, "columns columns"]
    into: Float64[Tensor, "columns columns"]
    shape: tuple[int, int]

    @property
    def energy(self) -> float:
        """Sum over the LoRAs of ||weight * dW||^2."""
        return float(self.sigma.square().sum())

    def per_lora(self, values: Float64[Tensor, " columns"], count: int) -> Float64[Tensor, " loras"]:
        """Sum the columns of each of `count` LoRAs."""
        return torch.zeros(count, dtype=torch.float64).index_add_(0, self.owner, values)


@dataclass(frozen=True)
class Spectrum:
    """Singular values and right singular vectors of a stack of weighted frames.

    Attributes:
        energy: Squared singular values, descending.
        loads: Column j belongs to direction j; the squares of its entries are the shares of the
            direction's energy that the columns of the LoRAs carry.
    """

    energy: Float64[Tensor, " columns"]
    loads: Float64[Tensor, "columns columns"]


def gather(layers: Mapping[int, CanonicalLayer], weights: Sequence[float]) -> Columns:
    """Put one module of all LoRAs side by side.

    Args:
        layers: Index of a LoRA -> its update; not empty.
        weights: Factor on the update of each LoRA, by index; a LoRA of weight 0 is left out.
    """
    shape = next((layer.p.shape[0], layer.q.shape[0]) for layer in layers.values())
    real = {index: _significant(layers[index]) * (weights[index] > 0.0) for index in sorted(layers)}
    owner = torch.cat([torch.full((count,), index) for index, count in real.items()])
    sigma = torch.cat([layers[index].s[:count].double() * weights[index] for index, count in real.items()])
    p = torch.cat([layers[index].p[:, :count] for index, count in real.items()], dim=1).double()
    q = torch.cat([layers[index].q[:, :count] for index, count in real.items()], dim=1).double()
    return Columns(owner, sigma, p.mT @ p, q.mT @ q, shape)


def inner_products(columns: Columns, count: int) -> Float64[Tensor, "loras loras"]:
    """<dW_a, dW_b> of every pair: sum_ij s_i s_j (p_i . p_j)(q_i . q_j) over the columns of both."""
    pairs = columns.sigma[:, None] * columns.sigma * columns.out * columns.into
    rows = torch.zeros(count, pairs.shape[1], dtype=torch.float64).index_add_(0, columns.owner, pairs)
    return torch.zeros(count, count, dtype=torch.float64).index_add_(1, columns.owner, rows)


def spectrum(gram: Float64[Tensor, "columns columns"], sigma: Float64[Tensor, " columns"]) -> Spectrum:
    """The spectrum of one side's stack [P_1 S_1, P_2 S_2, ...] from the Gram matrix of its frames."""
    energy, vectors = torch.linalg.eigh(sigma[:, None] * gram * sigma)
    return Spectrum(energy.flip(0).clamp(min=0.0), vectors.flip(1))


def two_sided(columns: Columns, out: Spectrum, into: Spectrum) -> Float64[Tensor, " columns"]:
    """Energy that K x K cores keep in the HOSVD's bases, at position K - 1, for every K at once.

    A core's corner of size K is the core of the K leading directions, so one core per LoRA serves all K.
    """
    left = _along(columns.out, columns.sigma, out)
    right = _along(columns.into, columns.sigma, into)
    energy = torch.zeros_like(columns.out)
    for index in columns.owner.unique():
        own = columns.owner == index
        energy += (left[:, own] * columns.sigma[own] @ right[:, own].mT).square()
    return energy.cumsum(0).cumsum(1).diagonal()


def coverage(
    columns: Columns, order: Sequence[int], others: int
) -> tuple[Float64[Tensor, " loras"], Float64[Tensor, " loras"]]:
    """Energy of every LoRA inside the span of `others` other LoRAs, and what chance would put there.

    The others of a LoRA are the first of `order` that are not itself. With A = P^T Pi P for the projector Pi
    of each side, ||Pi_out dW Pi_in||^2 = sum_ij s_i s_j A_out[i, j] A_in[i, j]; for frames that know nothing
    of each other the expectation is ||dW||^2 (d_out / out)(d_in / in), d being the dimension of the span.

    Args:
        columns: One module.
        order: Every LoRA once.
        others: How many others, from 1 to all but one.

    Returns:
        (covered, expected), both float64, by index of the LoRA.
    """
    first, rest = list(order[: others + 1]), list(order[others + 1 :])
    out, into = (
        _left_one_out(gram, columns.owner, first) | _from_outside(gram, columns.owner, first[:-1], rest)
        for gram in (columns.out, columns.into)
    )
    covered, expected = torch.zeros(2, len(order), dtype=torch.float64)
    for index in order:
        sigma = columns.sigma[columns.owner == index]
        inside_out, inside_into = out[index], into[index]
        covered[index] = sigma @ (inside_out.inside * inside_into.inside) @ sigma
        chance = inside_out.dimension / columns.shape[0] * inside_into.dimension / columns.shape[1]
        expected[index] = sigma.square().sum() * chance
    return covered, expected


def random_gram(
    owner: Int64[Tensor, " columns"], dimension: int, generator: torch.Generator
) -> Float64[Tensor, "columns columns"]:
    """Gram matrix of Haar-random frames, one for each LoRA and as wide as its own: nothing is shared.

    Each is the Q of a Gaussian matrix, Haar up to the signs of its columns, which no spectrum sees.
    """
    frames = [
        torch.linalg.qr(torch.randn(dimension, width, generator=generator, dtype=torch.float64))[0]
        for width in torch.unique_consecutive(owner, return_counts=True)[1].tolist()
    ]
    stack = torch.cat(frames, dim=1) if frames else torch.zeros(dimension, 0, dtype=torch.float64)
    return stack.mT @ stack


@dataclass(frozen=True)
class _Inside:
    """A = P^T Pi P of one LoRA's frame, and the dimension of what Pi projects on."""

    inside: Float64[Tensor, "rank rank"]
    dimension: float


def _left_one_out(gram: Tensor, owner: Tensor, members: Sequence[int]) -> dict[int, _Inside]:
    """Each member against the span of all the other members, from one inverse.

    The block of (G + e)^-1 that belongs to a member is the inverse of the Schur complement
    (1 + e) I - A, and what is left of the trace tells the dimension of the others' span.
    """
    chosen = torch.isin(owner, torch.tensor(members, dtype=torch.int64))
    own, names = gram[chosen][:, chosen], owner[chosen]
    inverse = torch.linalg.inv(own + _RIDGE * torch.eye(own.shape[0], dtype=torch.float64))
    result = {}
    for index in members:
        mine = names == index
        schur = torch.linalg.inv(inverse[mine][:, mine])
        across = inverse[mine][:, ~mine]
        trace = inverse.diagonal()[~mine].sum() - (across * (schur @ across)).sum()
        inside = (1.0 + _RIDGE) * torch.eye(schur.shape[0], dtype=torch.float64) - schur
        result[index] = _Inside(inside, max(0.0, float((~mine).sum() - _RIDGE * trace)))
    return result


def _from_outside(
    gram: Tensor, owner: Tensor, members: Sequence[int], rest: Sequence[int]
) -> dict[int, _Inside]:
    """Each of `rest` against the span of all `members`."""
    if not rest:
        return {}
    chosen = torch.isin(owner, torch.tensor(members, dtype=torch.int64))
    own = gram[chosen][:, chosen]
    inverse = torch.linalg.inv(own + _RIDGE * torch.eye(own.shape[0], dtype=torch.float64))
    dimension = max(0.0, float(own.shape[0] - _RIDGE * inverse.diagonal().sum()))
    result = {}
    for index in rest:
        across = gram[chosen][:, owner == index]
        result[index] = _Inside(across.mT @ inverse @ across, dimension)
    return result


def _along(gram: Tensor, sigma: Tensor, side: Spectrum) -> Float64[Tensor, "columns columns"]:
    """Coordinates of every frame's columns along the stack's singular directions; 0 for those of rounding."""
    keep = side.energy > side.energy[:1] * _NOISE**2
    scale = torch.where(keep, side.energy, 1.0).rsqrt() * keep
    return scale[:, None] * (side.loads.mT @ (sigma[:, None] * gram))


def _significant(layer: CanonicalLayer) -> int:
    s: Float[Tensor, " rank"] = layer.s
    return int((s > s[0] * _NOISE).sum()) if s.numel() else 0
