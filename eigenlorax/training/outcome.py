"""What was learnt, as the subspace and styles that it stands for."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from eigenlorax.lora import LoRA, LoRALayer, joined
from eigenlorax.module_path import ModulePath
from eigenlorax.runtime.live import StackedUpdate
from eigenlorax.subspace.basis import Basis, canonical, even_factors, reconstruct, stored_basis
from eigenlorax.subspace.fidelity import measure
from eigenlorax.subspace.kept_cores import KeptCore, KeptCores, keep_core
from eigenlorax.subspace.kept_residuals import KeptResidual, KeptResiduals, keep_residual
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.training.predictor import Updates


def learnt_styles(
    subspace: Subspace, styles: Sequence[Style], updates: Updates
) -> tuple[Subspace, list[Style]]:
    """The styles with their new numbers; where shared columns have learnt, in a subspace of their own.

    Columns that have moved are orthonormalised, U = Q R, and what that takes from them goes into the cores,
    M <- R_out M R_in^T: no update changes by it.

    Args:
        subspace: The one that the styles belonged to.
        styles: In the order of the stacked updates.
        updates: Of calibration or training, begun from these styles.
    """
    bases = dict(subspace.bases)
    cores = [dict(style.cores.kept) for style in styles]
    residuals = [dict(style.residuals.kept) for style in styles]
    for path, update in updates.items():
        basis, turned = _settled(subspace.bases[path], update)
        bases[path] = basis
        for place, style in enumerate(styles):
            if path in style.cores:
                cores[place][path] = _core(style.cores.kept[path], turned[place])
            if path in style.residuals:
                residuals[place][path] = _private(style.residuals.kept[path], update, place, basis.numbers)
    moved = replace(subspace, bases=bases)
    return moved, [
        replace(
            style,
            subspace=moved.hash,
            cores=KeptCores(cores[place]),
            residuals=KeptResiduals(residuals[place]),
        )
        for place, style in enumerate(styles)
    ]


def measured(style: Style, subspace: Subspace, lora: LoRA) -> Style:
    """The style with its weight error against the LoRA anew: after learning it is no projection any more."""
    energies, kept = {}, {}
    for path in lora.layers:
        layer = lora.layers[path]
        energies[path] = layer.norm**2
        kept[path] = energies[path] - _squared_error(layer, style, subspace, path)
    fresh = measure(energies, kept, style.fidelity.original_bytes)
    return replace(
        style,
        fidelity=replace(
            style.fidelity,
            energy_kept=fresh.energy_kept,
            worst_module=fresh.worst_module,
            worst_kept=fresh.worst_kept,
        ),
    )


def _settled(basis: Basis, update: StackedUpdate) -> tuple[Basis, Tensor]:
    """The basis as it will be stored, and every style's core in it."""
    out, into, cores = (side.detach().cpu() for side in (update.out, update.into, update.cores))
    if torch.equal(out, basis.out) and torch.equal(into, basis.into):
        return basis, cores
    (frame_out, turn_out), (frame_in, turn_in) = torch.linalg.qr(out), torch.linalg.qr(into)
    stored = stored_basis(frame_out, frame_in, basis.numbers)
    turn_out, turn_in = stored.out.mT @ frame_out @ turn_out, stored.into.mT @ frame_in @ turn_in
    return stored, turn_out @ cores @ turn_in.mT


def _core(kept: KeptCore, learnt: Tensor) -> KeptCore:
    """A core after learning, in factors of as many ranks as before; one that did not learn stays as it is."""
    return kept if torch.equal(learnt, kept.core) else keep_core(learnt, kept.rank, kept.numbers)


def _private(kept: KeptResidual, update: StackedUpdate, place: int, numbers: Numbers) -> KeptResidual:
    """The same of private ranks."""
    own = (update.owner == place).cpu()
    layer = LoRALayer(update.up.detach().cpu()[:, own], update.down.detach().cpu()[own])
    before = kept.layer
    if torch.equal(layer.up, before.up) and torch.equal(layer.down, before.down):
        return kept
    return keep_residual(even_factors(canonical(layer), layer.rank), numbers)


def _squared_error(layer: LoRALayer, style: Style, subspace: Subspace, path: ModulePath) -> float:
    parts = [LoRALayer(-layer.up, layer.down)]
    if path in style.cores:
        parts.append(reconstruct(style.cores[path], subspace.bases[path]))
    if path in style.residuals:
        parts.append(style.residuals[path])
    return joined(parts).norm ** 2
