"""Every direction that one module's collection has, strongest first: HOSVD, refined by HOOI."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from eigenlorax.subspace.basis import Basis, CanonicalLayer, stored_basis
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.range_finder import RangeFinder

_MOST_SWEEPS = 4
_SEED = 2011


@dataclass(frozen=True)
class SharedFrames:
    """The directions of one module's collection, strongest first, on both sides: all, or those of a sketch.

    Attributes:
        out: (out, K) orthonormal.
        energy_out: (K,) squared singular values of the stacked, weighted output sides.
        into: (in, L) orthonormal.
        energy_in: (L,) the same of the input sides.
        tail_out: Squared norm of the stacked output sides outside all K directions.
        tail_in: The same of the input sides.
    """

    out: Float[Tensor, "out k"]
    energy_out: Float64[Tensor, " k"]
    into: Float[Tensor, "into l"]
    energy_in: Float64[Tensor, " l"]
    tail_out: float
    tail_in: float

    def first(self, k_out: int, k_in: int, numbers: Numbers = Numbers.FP16) -> Basis:
        """The basis of the strongest directions, on the CPU; they are nested, as those of an HOSVD are."""
        return stored_basis(self.out[:, :k_out].cpu(), self.into[:, :k_in].cpu(), numbers)


def no_frames(layers: Iterable[CanonicalLayer]) -> SharedFrames:
    """No directions at all, of the same module as these updates."""
    one = next(iter(layers))
    nothing = torch.zeros(0, dtype=torch.float64, device=one.p.device)
    return SharedFrames(one.p[:, :0], nothing, one.q[:, :0], nothing, 0.0, 0.0)


def hosvd(
    layers: Iterable[CanonicalLayer],
    weights: Sequence[float],
    wanted: tuple[int | None, int | None] = (None, None),
) -> SharedFrames:
    """The left singular vectors of both stacked, weighted sides of one module's updates.

    Works in core space: the stacks have sum(rank) columns, never out x in numbers. The layers are iterated
    over once where the stacks are narrow one way or the other, else as often as the range finder asks.

    Args:
        layers: One canonical update per adapter that changes the module; not empty; on any device; iterated
            over more than once, so not a generator.
        weights: Factor on each update, so that a strong adapter does not take the basis.
        wanted: Most directions to give on the output and on the input side; None for all there are.

    Source: De Lathauwer, De Moor, Vandewalle, "A multilinear singular value decomposition" (2000).
    """
    out, into = (
        RangeFinder(torch.Generator().manual_seed(_SEED + side), wanted=wanted[side]) for side in (0, 1)
    )
    while not (out.is_done and into.is_done):
        for layer, w in zip(layers, weights, strict=True):
            for finder, near in ((out, layer.p), (into, layer.q)):
                if not finder.is_done:
                    finder.take(near * (layer.s * w))
        for finder in (out, into):
            if not finder.is_done:
                finder.end_pass()
    left, right = out.found, into.found
    return SharedFrames(left.columns, left.energy, right.columns, right.energy, left.tail, right.tail)


def hooi(layers: Iterable[CanonicalLayer], weights: Sequence[float], start: Basis) -> Basis:
    """Better bases of the same sizes: each side in turn is fitted to what the other side lets through.

    U <- leading left singular vectors of the updates seen through V, then V likewise, until a sweep gains
    less than a thousandth of what is still missed. Never worse than the start in exact arithmetic.

    Source: De Lathauwer, De Moor, Vandewalle, "On the best rank-(R1, ..., RN) approximation" (2000).
    """
    k_out, k_in = start.core_shape
    basis, kept = start, _kept(layers, weights, start)
    total = sum(w * w * layer.energy for layer, w in zip(layers, weights, strict=True))
    into = start.into
    for _ in range(_MOST_SWEEPS):
        out = _seen_through(layers, weights, into, k_out)
        into = _seen_through(_Turned(layers), weights, out, k_in)
        better = stored_basis(out.cpu(), into.cpu(), start.numbers)
        now = _kept(layers, weights, better)
        if now <= kept:
            return basis
        gained, basis, kept = now - kept, better, now
        if gained < 1e-3 * max(total - kept, 0.0):
            break
    return basis


@dataclass(frozen=True)
class _Turned:
    """The transposed updates."""

    layers: Iterable[CanonicalLayer]

    def __iter__(self) -> Iterator[CanonicalLayer]:
        return (CanonicalLayer(layer.q, layer.s, layer.p) for layer in self.layers)


def _seen_through(
    layers: Iterable[CanonicalLayer], weights: Sequence[float], other: Tensor, count: int
) -> Tensor:
    """The `count` strongest directions of the output side of all dW V."""
    finder = RangeFinder(torch.Generator().manual_seed(_SEED), wanted=count)
    while not finder.is_done:
        for layer, w in zip(layers, weights, strict=True):
            seen = layer.s[:, None] * (layer.q.mT @ other.to(layer.q.device))
            left, values, _ = torch.linalg.svd(seen, full_matrices=False)
            finder.take(layer.p @ left * (values * w))
        finder.end_pass()
    return finder.found.columns


def _kept(layers: Iterable[CanonicalLayer], weights: Sequence[float], basis: Basis) -> float:
    kept = 0.0
    for layer, w in zip(layers, weights, strict=True):
        device = layer.p.device
        core = (basis.out.to(device).mT @ layer.p * layer.s) @ (layer.q.mT @ basis.into.to(device))
        kept += w * w * float(core.double().square().sum())
    return kept
