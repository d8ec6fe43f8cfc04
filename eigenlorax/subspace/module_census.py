"""One module's part in a census: both spectra, their random null, who carries what, and the certificate."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.overlap import Columns, Spectrum, random_gram, spectrum, two_sided

#: Leading directions of each side whose carriers are told.
COMPONENTS = 4


@dataclass(frozen=True)
class Certificate:
    """What K x K cores must lose and do lose in one module, as shares of its energy, one for each K.

    Attributes:
        energy: The module's part of the whole collection's energy.
        bound: max of the two sides' tails: no pair of K-dimensional bases loses less.
        hosvd: Loss of the HOSVD's bases, at most twice the optimum.
    """

    module: ModulePath
    energy: float
    bound: tuple[float, ...]
    hosvd: tuple[float, ...]


@dataclass(frozen=True)
class Stack:
    """The weighted frames of one side of one module, side by side.

    Attributes:
        kept: Energy that the first K directions keep, at position K - 1.
        loads: Energy along each leading direction that each LoRA carries.
    """

    kept: Float64[Tensor, " columns"]
    loads: Float64[Tensor, "components loras"]

    @property
    def carriers(self) -> Float64[Tensor, " components"]:
        """How many LoRAs carry each leading direction: 1 / sum of squared shares; 0 where there is none."""
        return self.loads.sum(1).square() / self.loads.square().sum(1).clamp(min=1e-300)


@dataclass(frozen=True)
class ModuleSide:
    """One side of one module beside its null.

    Attributes:
        own: As it is.
        random: Random frames with the same singular values.
    """

    own: Stack
    random: Stack


@dataclass(frozen=True)
class ModuleCensus:
    """One module of all LoRAs; energies are absolute.

    Attributes:
        cores: Energy that K x K cores keep in the HOSVD's bases, at position K - 1.
    """

    module: ModulePath
    energy: float
    out: ModuleSide
    into: ModuleSide
    cores: Float64[Tensor, " columns"]

    def certificate(self, directions: Sequence[int], whole: float) -> Certificate:
        """The certificate at each K of `directions`; `whole` is the collection's energy."""
        kept_out, kept_into, cores = (
            curve(kept, directions) / self.energy
            for kept in (self.out.own.kept, self.into.own.kept, self.cores)
        )
        bound = (1.0 - torch.minimum(kept_out, kept_into)).clamp(min=0.0)
        hosvd = torch.maximum(1.0 - cores, bound)  # they meet where nothing is lost, up to rounding
        return Certificate(self.module, self.energy / whole, tuple(bound.tolist()), tuple(hosvd.tolist()))


def measure(path: ModulePath, columns: Columns, count: int, generator: torch.Generator) -> ModuleCensus:
    """Measure one module of `count` LoRAs; `columns` must not be empty."""
    spectra = [spectrum(gram, columns.sigma) for gram in (columns.out, columns.into)]
    chances = [
        spectrum(random_gram(columns.owner, dimension, generator), columns.sigma)
        for dimension in columns.shape
    ]
    out, into = (
        ModuleSide(_stack(columns, own, count), _stack(columns, chance, count))
        for own, chance in zip(spectra, chances, strict=True)
    )
    return ModuleCensus(path, columns.energy, out, into, two_sided(columns, *spectra))


def curve(kept: Float64[Tensor, " columns"], directions: Sequence[int]) -> Float64[Tensor, " steps"]:
    """`kept` at each K of `directions`; beyond its end everything is kept."""
    return kept[torch.tensor(directions).clamp(max=kept.numel()) - 1]


def _stack(columns: Columns, own: Spectrum, count: int) -> Stack:
    loads = torch.zeros(COMPONENTS, count, dtype=torch.float64)
    for component in range(min(COMPONENTS, own.energy.numel())):
        shares = columns.per_lora(own.loads[:, component].square(), count)
        loads[component] = own.energy[component] * shares
    return Stack(own.energy.cumsum(0), loads)
