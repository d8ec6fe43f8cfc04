"""The mathematics of one module's shared basis: canonical factors, HOSVD, projection."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Float16
from torch import Tensor

from eigenlorax.lora import LoRALayer


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


def hosvd(layers: Sequence[CanonicalLayer], weights: Sequence[float], retain: float) -> Basis:
    """The shared basis of one module: top left singular vectors of both stacked, weighted sides.

    Works in core space: the stacks have sum(rank) columns, never out x in numbers.

    Args:
        layers: One canonical update per adapter that changes the module; not empty.
        weights: Factor on each update, so that a strong adapter does not take the basis.
        retain: Fraction in (0, 1] of squared Frobenius norm that each side keeps.

    Source: De Lathauwer, De Moor, Vandewalle, "A multilinear singular value decomposition" (2000).
    """
    out = torch.cat([layer.p * layer.s * w for layer, w in zip(layers, weights, strict=True)], dim=1)
    into = torch.cat([layer.q * layer.s * w for layer, w in zip(layers, weights, strict=True)], dim=1)
    return Basis(_leading(out, retain).half(), _leading(into, retain).half())


def project(layer: CanonicalLayer, basis: Basis) -> Float[Tensor, "k_out k_in"]:
    """The core M = U^T dW V: for orthonormal bases the nearest point of the subspace."""
    return (basis.out.mT @ layer.p * layer.s) @ (layer.q.mT @ basis.into)


def reconstruct(core: Float[Tensor, "k_out k_in"], basis: Basis) -> LoRALayer:
    """The low-rank layer of a core, U M V^T, with the core multiplied into its narrower side."""
    k_out, k_in = basis.core_shape
    if k_out <= k_in:
        return LoRALayer(basis.out, core @ basis.into.mT)
    return LoRALayer(basis.out @ core, basis.into.mT)


def _leading(stack: Float[Tensor, "rows columns"], retain: float) -> Float[Tensor, "rows k"]:
    u, s, _ = torch.linalg.svd(stack, full_matrices=False)
    energy = s.double().square()
    total = float(energy.sum())
    if total == 0.0:
        return u[:, :1]
    # The last ulps of a float32 SVD are noise: retain = 1.0 asks for the numerical rank, not for them.
    numerical_rank = int((s > s[0] * max(stack.shape) * torch.finfo(s.dtype).eps).sum())
    k = int((energy.cumsum(0) < retain * total).sum()) + 1
    return u[:, : min(k, numerical_rank)]


def _orthonormal(columns: Float[Tensor, "rows k"]) -> Float[Tensor, "rows k"]:
    """Orthonormalise nearly orthonormal columns by QR, keeping each column's direction and sign."""
    q, r = torch.linalg.qr(columns.double())
    return (q * r.diagonal().sign()).float()
