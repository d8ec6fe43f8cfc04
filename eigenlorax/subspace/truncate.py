"""A style, a blend or a LoRA -> the nearest LoRA of fewer columns, without ever forming a dense update."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.basis import Basis

#: Singular values below this share of the largest are the rounding of float32 numbers, not a direction.
_NOISE = 4 * torch.finfo(torch.float32).eps


@dataclass(frozen=True)
class Spectrum:
    """dW = frame_out @ left @ diag(s) @ right @ frame_into^T, with s descending and orthonormal frames.

    The frames may be a subspace's own bases, shared by all modules' blends: only the small middle is new.

    Attributes:
        frame_out: (out, k_out).
        left: (k_out, k) orthonormal columns.
        s: (k,) singular values of dW.
        right: (k, k_in) orthonormal rows.
        frame_into: (in, k_in).
    """

    frame_out: Tensor
    left: Float64[Tensor, "k_out k"]
    s: Float64[Tensor, " k"]
    right: Float64[Tensor, "k k_in"]
    frame_into: Tensor

    @property
    def energy(self) -> float:
        """||dW||^2."""
        return float(self.s.square().sum())

    @property
    def rank(self) -> int:
        """How many singular values are more than rounding; 0 for an update of zero."""
        return int((self.s > self.s[0] * _NOISE).sum()) if self.s.numel() and self.s[0] > 0.0 else 0

    @property
    def numbers_per_rank(self) -> int:
        """Numbers that one more column costs: out + in."""
        return self.frame_out.shape[0] + self.frame_into.shape[0]

    def lost(self, rank: int) -> float:
        """||dW - cut(rank)||^2: the energy beyond the first `rank` singular values."""
        return float(self.s[rank:].square().sum())

    def cut(self, rank: int) -> LoRALayer:
        """The nearest layer of `rank` columns; each singular value is split evenly between up and down.

        Even factors have numbers of one size, which loses least in half precision.

        Source: Eckart & Young (1936).
        """
        root = self.s[:rank].sqrt()
        up = self.frame_out.double() @ (self.left[:, :rank] * root)
        down = (root[:, None] * self.right[:rank]) @ self.frame_into.double().mT
        return LoRALayer(up.float(), down.float())


def core_spectrum(core: Float[Tensor, "k_out k_in"], basis: Basis) -> Spectrum:
    """The spectrum of U M V^T: the SVD of the small core M, since U and V are orthonormal."""
    left, s, right = torch.linalg.svd(core.double(), full_matrices=False)
    return Spectrum(basis.out, left, s, right, basis.into)


def layer_spectrum(layer: LoRALayer) -> Spectrum:
    """The spectrum of up @ down: QR of both factors, then the SVD of the rank x rank middle."""
    frame_out, middle_out = torch.linalg.qr(layer.up.double())
    frame_into, middle_into = torch.linalg.qr(layer.down.double().mT)
    left, s, right = torch.linalg.svd(middle_out @ middle_into.mT, full_matrices=False)
    return Spectrum(frame_out.float(), left, s, right, frame_into.float())


def ranks_up_to(spectra: Mapping[ModulePath, Spectrum], rank: int | None) -> dict[ModulePath, int]:
    """Module -> its own rank, at most `rank` (None: no limit); a module of zero is left out."""
    ranks = {
        path: spectrum.rank if rank is None else min(rank, spectrum.rank)
        for path, spectrum in spectra.items()
    }
    return {path: own for path, own in ranks.items() if own > 0}


def ranks_within(spectra: Mapping[ModulePath, Spectrum], energy: float) -> dict[ModulePath, int]:
    """Module -> rank, such that all that is cut away together has at most `energy`.

    Directions go in the order of energy per stored number, least first, so that the file gets small:
    greedy for the knapsack of bytes, off by at most one direction.

    Args:
        spectra: The exact updates.
        energy: Squared Frobenius norm that may be lost over all modules.
    """
    ranks = ranks_up_to(spectra, None)
    lost = sum(spectrum.lost(ranks.get(path, 0)) for path, spectrum in spectra.items())
    directions = sorted(
        (float(value) / spectra[path].numbers_per_rank, float(value), str(path), path)
        for path, rank in ranks.items()
        for value in spectra[path].s[:rank].square()
    )
    for _, value, _, path in directions:
        if lost + value > energy:
            break
        lost += value
        ranks[path] -= 1
    return {path: rank for path, rank in ranks.items() if rank > 0}


def lost_energy(spectra: Mapping[ModulePath, Spectrum], ranks: Mapping[ModulePath, int]) -> float:
    """Energy that a choice of ranks cuts away; a module without a rank is lost whole."""
    return sum(spectrum.lost(ranks.get(path, 0)) for path, spectrum in spectra.items())


def relative_error(found: Mapping[ModulePath, LoRALayer], exact: Mapping[ModulePath, LoRALayer]) -> float:
    """||found - exact|| / ||exact|| over all modules, from Gram matrices of the factors in float64.

    Args:
        found: A missing module counts as zero.
        exact: The updates as they should be; not all zero.
    """
    error = total = 0.0
    for path in exact.keys() | found.keys():
        sides = [(1.0, exact[path])] if path in exact else []
        total += sum(layer.norm**2 for _, layer in sides)
        sides += [(-1.0, found[path])] if path in found else []
        up = torch.cat([sign * layer.up for sign, layer in sides], dim=1)
        error += LoRALayer(up, torch.cat([layer.down for _, layer in sides])).norm ** 2
    return float((error / total) ** 0.5)
