"""Inner products of the styles' updates, exact, without a dense update ever being formed.

With dW = U M V^T + A B, and U, V orthonormal and shared by all styles,

    <dW_i, dW_j> = <M_i, M_j> + <M_i, U^T A_j B_j V> + <U^T A_i B_i V, M_j> + <A_i^T A_j, B_i B_j^T>.

The middle terms vanish for a residual that is exactly what the bases miss; one that was cut off or rounded
leaves a little of itself inside their span, so they are not left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from eigenlorax.dials import REGIONS, Region, StyleDials, region_of
from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.basis import Basis
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace


@dataclass(frozen=True)
class Grams:
    """The tables of inner products of some styles, one for each part of the model.

    Attributes:
        names: The styles, in the order of rows and columns.
        parts: Region -> sum over its modules of importance * <dW_i, dW_j>; every region is there.
    """

    names: tuple[str, ...]
    parts: Mapping[Region, Float64[Tensor, "styles styles"]]

    @property
    def total(self) -> Float64[Tensor, "styles styles"]:
        """Over the whole model."""
        return torch.stack(list(self.parts.values())).sum(0)

    @property
    def norms(self) -> Float64[Tensor, " styles"]:
        """Weighted Frobenius norm of each style's update."""
        return self.total.diagonal().clamp(min=0.0).sqrt()

    @property
    def cosines(self) -> Float64[Tensor, "styles styles"]:
        """Of every pair; 0 beside a style that does nothing, 1 on the diagonal."""
        return cosines(self.total)

    def of(self, names: Sequence[str]) -> "Grams":
        """The tables of some of the styles, in the order asked for."""
        places = [self.names.index(name) for name in names]
        return Grams(tuple(names), {part: table[places][:, places] for part, table in self.parts.items()})

    def dialled(self, dials: StyleDials) -> "Grams":
        """The same for updates with their dials' factors; a curve counts as its factor 1.

        Args:
            dials: Style -> where it acts; a style without acts everywhere.
        """
        parts = {}
        for region, table in self.parts.items():
            factors = torch.tensor([_factor(dials, name, region) for name in self.names], dtype=torch.float64)
            parts[region] = factors[:, None] * table * factors
        return Grams(self.names, parts)


def cosines(table: Float64[Tensor, "styles styles"]) -> Float64[Tensor, "styles styles"]:
    """Cosines from inner products; 0 beside a vector of length 0, 1 on the diagonal."""
    norms = table.diagonal().clamp(min=0.0).sqrt()
    scale = torch.where(norms > 0.0, norms, torch.inf).reciprocal()
    found = (scale[:, None] * table * scale).clamp(-1.0, 1.0)
    return found.fill_diagonal_(1.0)


def grams(subspace: Subspace, styles: Mapping[str, Style], importance: Mapping[ModulePath, float]) -> Grams:
    """The inner products of all these styles.

    Args:
        subspace: The one that all of them belong to.
        styles: By name.
        importance: Factor on each module's squared norm, as in fidelity.
    """
    names = tuple(styles)
    parts = {region: torch.zeros(len(names), len(names), dtype=torch.float64) for region in REGIONS}
    for path, basis in subspace.bases.items():
        touching = [place for place, name in enumerate(names) if _touches(styles[name], path)]
        if touching:
            table = _module(path, basis, [styles[names[place]] for place in touching])
            rows = torch.tensor(touching)
            parts[region_of(path)][rows[:, None], rows] += importance[path] * table
    return Grams(names, parts)


def _factor(dials: StyleDials, name: str, region: Region) -> float:
    if name not in dials:
        return 1.0
    own = dials[name]
    factor = float(getattr(own, region.value))
    return factor if region in (Region.TEXT_ENCODER, Region.TEXT_ENCODER_2) else factor * own.unet


def _touches(style: Style, path: ModulePath) -> bool:
    return path in style.cores or path in style.residuals


def _module(path: ModulePath, basis: Basis, styles: Sequence[Style]) -> Float64[Tensor, "styles styles"]:
    """One module of the styles that touch it."""
    cores = torch.zeros(len(styles), *basis.core_shape, dtype=torch.float64)
    for place, style in enumerate(styles):
        if path in style.cores:
            cores[place] = style.cores[path].double()
    private = [style.residuals.get(path) for style in styles]
    inside = torch.stack([_seen(layer, basis) for layer in private]).flatten(1)
    flat = cores.flatten(1)
    across = flat @ inside.mT
    return flat @ flat.mT + across + across.mT + _residuals(private)


def _seen(layer: LoRALayer | None, basis: Basis) -> Float64[Tensor, "k_out k_in"]:
    """The part of private ranks that lies inside the bases' span."""
    if layer is None:
        return torch.zeros(basis.core_shape, dtype=torch.float64)
    return (basis.out.mT @ layer.up).double() @ (layer.down @ basis.into).double()


def _residuals(private: Sequence[LoRALayer | None]) -> Float64[Tensor, "styles styles"]:
    """<A_i B_i, A_j B_j> of every pair, from the Gram matrices of all columns side by side."""
    owner = torch.cat([torch.full((layer.rank if layer else 0,), i) for i, layer in enumerate(private)])
    found = torch.zeros(len(private), len(private), dtype=torch.float64)
    layers = [layer for layer in private if layer is not None]
    if not layers:
        return found
    up = torch.cat([layer.up for layer in layers], dim=1).double()
    down = torch.cat([layer.down for layer in layers], dim=0).double()
    pairs = (up.mT @ up) * (down @ down.mT)
    owner = owner.to(torch.int64)
    rows = torch.zeros(len(private), pairs.shape[1], dtype=torch.float64).index_add_(0, owner, pairs)
    return found.index_add_(1, owner, rows)
