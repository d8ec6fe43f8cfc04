"""The mathematics of one module's shared basis: canonical factors, projection, what is missed."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from eigenlorax.lora import LoRALayer
from eigenlorax.subspace.numbers import Kept, Numbers, keep, numbers_of, value


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

    What is kept on disk is rounded, and rounded columns are no longer orthonormal; cores are computed against
    the re-orthonormalised form, so that storing loses nothing that was promised.

    Attributes:
        stored_out: (out, k_out) as in the file, with a scale for each column if it is int8.
        stored_into: (in, k_in) likewise.
    """

    stored_out: Kept
    stored_into: Kept

    @cached_property
    def out(self) -> Float[Tensor, "out k_out"]:
        """float32 with orthonormal columns."""
        return _orthonormal(value(self.stored_out))

    @cached_property
    def into(self) -> Float[Tensor, "into k_in"]:
        """float32 with orthonormal columns."""
        return _orthonormal(value(self.stored_into))

    @property
    def numbers(self) -> Numbers:
        """What this module's bases, cores and residuals are kept in."""
        kinds = numbers_of(self.stored_out), numbers_of(self.stored_into)
        return Numbers.INT8 if Numbers.INT8 in kinds else Numbers.FP16

    @property
    def core_shape(self) -> tuple[int, int]:
        """(k_out, k_in)."""
        return self.stored_out.shape[1], self.stored_into.shape[1]


def stored_basis(
    out: Float[Tensor, "out k_out"], into: Float[Tensor, "into k_in"], numbers: Numbers = Numbers.FP16
) -> Basis:
    """The basis of these orthonormal columns as it will lie on disk."""
    return Basis(keep(out, numbers), keep(into, numbers))


def canonical(layer: LoRALayer) -> CanonicalLayer:
    """Bring up @ down to its thin SVD without forming the dense product.

    QR of both factors leaves an r x r middle whose SVD rotates the two orthonormal frames.

    Source: the standard SVD of a low-rank product, e.g. Golub & Van Loan, Matrix Computations, 5.4.
    """
    frame_out, middle_out = torch.linalg.qr(layer.up)
    frame_in, middle_in = torch.linalg.qr(layer.down.mT)
    left, s, right = torch.linalg.svd(middle_out @ middle_in.mT, full_matrices=False)
    return CanonicalLayer(frame_out @ left, s, frame_in @ right.mT)


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


def empty_basis(rows: int, columns: int, numbers: Numbers = Numbers.FP16) -> Basis:
    """A basis of no columns: every style keeps this module to itself."""
    return stored_basis(torch.zeros(rows, 0), torch.zeros(columns, 0), numbers)


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


def _orthonormal(columns: Float[Tensor, "rows k"]) -> Float[Tensor, "rows k"]:
    """Orthonormalise nearly orthonormal columns by QR, keeping each column's direction and sign."""
    q, r = torch.linalg.qr(columns.double())
    return (q * r.diagonal().sign()).float()
