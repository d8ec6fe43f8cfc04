"""The mathematics of one module's shared basis: canonical factors, HOSVD, projection."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Float16, Float64
from torch import Tensor

from eigenlorax.lora import LoRALayer

_MOST_SWEEPS = 4


@dataclass(frozen=True)
class CanonicalLayer:
    """dW = P diag(s) Q^T with orthonormal P, Q and s descending: free of the B A = (B G)(G^-1 A) gauge."""

    p: Float[Tensor, "out rank"]
    s: Float[Tensor, " rank"]
    q: Float[Tensor, "into rank"]

    @property
    def energy(self) -> float:
        """Squared Frobenius norm of dW, summed in float64."""
        return float(self.s.double().square().sum())


@dataclass(frozen=True)
class Basis:
    """Orthonormal columns that a module's updates are written in: dW ~ out @ core @ into^T.

    What is kept on disk is fp16, whose rounded columns are no longer orthonormal; cores are computed
    against the re-orthonormalised form, so that storing loses nothing that was promised.

    Attributes:
        stored_out: (out, k_out) fp16, as in the file.
        stored_into: (in, k_in) fp16, as in the file.
    """

    stored_out: Float16[Tensor, "out k_out"]
    stored_into: Float16[Tensor, "into k_in"]

    @cached_property
    def out(self) -> Float[Tensor, "out k_out"]:
        """float32 with orthonormal columns."""
        return _orthonormal(self.stored_out)

    @cached_property
    def into(self) -> Float[Tensor, "into k_in"]:
        """float32 with orthonormal columns."""
        return _orthonormal(self.stored_into)

    @property
    def core_shape(self) -> tuple[int, int]:
        """(k_out, k_in)."""
        return self.stored_out.shape[1], self.stored_into.shape[1]


def canonical(layer: LoRALayer) -> CanonicalLayer:
    """Bring up @ down to its thin SVD without forming the dense product.

    QR of both factors leaves an r x r middle whose SVD rotates the two orthonormal frames.

    Source: the standard SVD of a low-rank product, e.g. Golub & Van Loan, Matrix Computations, 5.4.
    """
    frame_out, middle_out = torch.linalg.qr(layer.up)
    frame_in, middle_in = torch.linalg.qr(layer.down.mT)
    left, s, right = torch.linalg.svd(middle_out @ middle_in.mT, full_matrices=False)
    return CanonicalLayer(frame_out @ left, s, frame_in @ right.mT)


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


def missed(layer: CanonicalLayer, basis: Basis) -> CanonicalLayer:
    """What a basis misses of an update, R = dW - U U^T dW V V^T, in canonical form; at most 2 r directions.

    R = [P, U A] diag(S, -S) [Q, V B]^T with A = U^T P, B = V^T Q: nothing of the bases' width is decomposed.
    """
    if not all(basis.core_shape):
        return layer
    frame_out, middle_out = torch.linalg.qr(torch.cat([layer.p, basis.out @ (basis.out.mT @ layer.p)], dim=1))
    frame_in, middle_in = torch.linalg.qr(torch.cat([layer.q, basis.into @ (basis.into.mT @ layer.q)], dim=1))
    signed = torch.cat([layer.s, -layer.s])
    left, s, right = torch.linalg.svd(middle_out * signed @ middle_in.mT, full_matrices=False)
    return CanonicalLayer(frame_out @ left, s, frame_in @ right.mT)


def empty_basis(rows: int, columns: int) -> Basis:
    """A basis of no columns: every style keeps this module to itself."""
    return Basis(torch.zeros(rows, 0, dtype=torch.float16), torch.zeros(columns, 0, dtype=torch.float16))


def even_factors(layer: CanonicalLayer, rank: int) -> LoRALayer:
    """The leading directions as factors of even size, which lose least in fp16."""
    root = layer.s[:rank].sqrt()
    return LoRALayer(layer.p[:, :rank] * root, (layer.q[:, :rank] * root).mT.contiguous())


def project(layer: CanonicalLayer, basis: Basis) -> Float[Tensor, "k_out k_in"]:
    """The core M = U^T dW V: for orthonormal bases the nearest point of the subspace."""
    return (basis.out.mT @ layer.p * layer.s) @ (layer.q.mT @ basis.into)


def reconstruct(core: Float[Tensor, "k_out k_in"], basis: Basis) -> LoRALayer:
    """The low-rank layer of a core, U M V^T, with the core multiplied into its narrower side."""
    k_out, k_in = basis.core_shape
    if k_out <= k_in:
        return LoRALayer(basis.out, core @ basis.into.mT)
    return LoRALayer(basis.out @ core, basis.into.mT)


def _directions(stack: Float[Tensor, "rows columns"]) -> tuple[Tensor, Tensor]:
    """Left singular vectors with their energies, those above rounding; one for a stack of zeros."""
    u, s, _ = torch.linalg.svd(stack, full_matrices=False)
    count = int((s > s[0] * max(stack.shape) * torch.finfo(s.dtype).eps).sum()) if s.numel() else 0
    count = max(count, 1)
    return u[:, :count], s[:count].double().square()


def _orthonormal(columns: Float[Tensor, "rows k"]) -> Float[Tensor, "rows k"]:
    """Orthonormalise nearly orthonormal columns by QR, keeping each column's direction and sign."""
    q, r = torch.linalg.qr(columns.double())
    return (q * r.diagonal().sign()).float()
