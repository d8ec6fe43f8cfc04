"""Every direction that one module's collection has, strongest first: HOSVD, refined by HOOI."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from eigenlorax.subspace.basis import Basis, CanonicalLayer, project

_MOST_SWEEPS = 4


@dataclass(frozen=True)
class SharedFrames:
    """All directions of one module's collection, strongest first, on both sides.

    Attributes:
        out: (out, K) orthonormal.
        energy_out: (K,) squared singular values of the stacked, weighted output sides.
        into: (in, L) orthonormal.
        energy_in: (L,) the same of the input sides.
    """

    out: Float[Tensor, "out k"]
    energy_out: Float64[Tensor, " k"]
    into: Float[Tensor, "into l"]
    energy_in: Float64[Tensor, " l"]

    def first(self, k_out: int, k_in: int) -> Basis:
        """The basis of the strongest directions; they are nested, as those of an HOSVD are."""
        return Basis(self.out[:, :k_out].half(), self.into[:, :k_in].half())


def hosvd(layers: Sequence[CanonicalLayer], weights: Sequence[float]) -> SharedFrames:
    """The left singular vectors of both stacked, weighted sides of one module's updates.

    Works in core space: the stacks have sum(rank) columns, never out x in numbers.

    Args:
        layers: One canonical update per adapter that changes the module; not empty.
        weights: Factor on each update, so that a strong adapter does not take the basis.

    Source: De Lathauwer, De Moor, Vandewalle, "A multilinear singular value decomposition" (2000).
    """
    pairs = list(zip(layers, weights, strict=True))
    out = torch.cat([layer.p * layer.s * w for layer, w in pairs], dim=1)
    into = torch.cat([layer.q * layer.s * w for layer, w in pairs], dim=1)
    return SharedFrames(*_directions(out), *_directions(into))


def hooi(layers: Sequence[CanonicalLayer], weights: Sequence[float], start: Basis) -> Basis:
    """Better bases of the same sizes: each side in turn is fitted to what the other side lets through.

    U <- leading left singular vectors of the updates seen through V, then V likewise, until a sweep gains
    less than a thousandth of what is still missed. Never worse than the start in exact arithmetic.

    Source: De Lathauwer, De Moor, Vandewalle, "On the best rank-(R1, ..., RN) approximation" (2000).
    """
    k_out, k_in = start.core_shape
    basis, kept = start, _kept(layers, weights, start)
    total = sum(w * w * layer.energy for layer, w in zip(layers, weights, strict=True))
    for _ in range(_MOST_SWEEPS):
        out = _seen_through([(layer.p, layer.s, layer.q) for layer in layers], weights, basis.into)[:, :k_out]
        into = _seen_through([(layer.q, layer.s, layer.p) for layer in layers], weights, out)[:, :k_in]
        better = Basis(out.half(), into.half())
        now = _kept(layers, weights, better)
        if now <= kept:
            return basis
        gained, basis, kept = now - kept, better, now
        if gained < 1e-3 * max(total - kept, 0.0):
            break
    return basis


def _seen_through(
    sides: Sequence[tuple[Tensor, Tensor, Tensor]], weights: Sequence[float], other: Tensor
) -> Tensor:
    columns = []
    for (near, s, far), w in zip(sides, weights, strict=True):
        left, values, _ = torch.linalg.svd(s[:, None] * (far.mT @ other), full_matrices=False)
        columns.append(near @ left * values * w)
    return torch.linalg.svd(torch.cat(columns, dim=1), full_matrices=False)[0]


def _kept(layers: Sequence[CanonicalLayer], weights: Sequence[float], basis: Basis) -> float:
    return sum(
        w * w * float(project(layer, basis).double().square().sum())
        for layer, w in zip(layers, weights, strict=True)
    )


def _directions(stack: Float[Tensor, "rows columns"]) -> tuple[Tensor, Tensor]:
    """Left singular vectors with their energies, those above rounding; one for a stack of zeros."""
    u, s, _ = torch.linalg.svd(stack, full_matrices=False)
    count = int((s > s[0] * max(stack.shape) * torch.finfo(s.dtype).eps).sum()) if s.numel() else 0
    count = max(count, 1)
    return u[:, :count], s[:count].double().square()
