"""Several styles, or several LoRAs, of one module laid side by side for the live engine."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import ModulePath
from eigenlorax.runtime.live import StackedUpdate
from eigenlorax.subspace.basis import Basis, empty_basis
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace


def stack_styles(
    subspace: Subspace, styles: Sequence[Style], device: torch.device
) -> dict[ModulePath, StackedUpdate]:
    """Every module that any of the styles changes, float32, style s at place s.

    Args:
        subspace: The one that all of the styles belong to.
        styles: In the order of the live engine's weights.
        device: Where the factors lie.
    """
    found = {}
    for path, basis in subspace.bases.items():
        cores = [style.cores.get(path) for style in styles]
        residuals = [style.residuals.get(path) for style in styles]
        if any(core is not None and core.numel() for core in cores) or any(residuals):
            found[path] = _stacked(basis, cores, residuals, device)
    return found


def stack_layers(
    layers: Sequence[Mapping[ModulePath, LoRALayer]], device: torch.device
) -> dict[ModulePath, StackedUpdate]:
    """Whole LoRAs as updates without a shared part; layers are read one by one."""
    found = {}
    for path in sorted({path for one in layers for path in one}):
        own = [one.get(path) for one in layers]
        shape = next((layer.up.shape[0], layer.down.shape[1]) for layer in own if layer is not None)
        found[path] = _stacked(empty_basis(*shape), [None] * len(own), own, device)
    return found


def _stacked(
    basis: Basis, cores: Sequence[Tensor | None], residuals: Sequence[LoRALayer | None], device: torch.device
) -> StackedUpdate:
    zero = torch.zeros(basis.core_shape)
    own = [(place, layer) for place, layer in enumerate(residuals) if layer is not None]
    ups = [layer.up for _, layer in own] or [torch.zeros(basis.out.shape[0], 0)]
    downs = [layer.down for _, layer in own] or [torch.zeros(0, basis.into.shape[0])]
    owners = [torch.full((layer.rank,), place) for place, layer in own] or [torch.zeros(0, dtype=torch.long)]
    return StackedUpdate(
        out=basis.out.to(device),
        into=basis.into.to(device),
        cores=torch.stack([zero if core is None else core for core in cores]).to(device),
        up=torch.cat(ups, 1).to(device),
        down=torch.cat(downs, 0).to(device),
        owner=torch.cat(owners).to(device),
    )
