"""Where a taught style learns: the subspace with columns enough, and the other styles as donors in them."""

from collections.abc import Generator, Mapping, Sequence
from math import hypot

import torch

from eigenlorax.lora import LoRALayer, joined
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.runtime.live import StackedUpdate
from eigenlorax.subspace.augment import Columns, Directions, donor_driven, first_of, gaussian, with_floor
from eigenlorax.subspace.basis import Basis, canonical, project, reconstruct
from eigenlorax.subspace.fit import FitProgress
from eigenlorax.subspace.merge import Part
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.training.predictor import Updates


def learning_subspace(
    part: Part, columns: int, seed: int, *, texts: bool
) -> Generator[FitProgress, None, Subspace]:
    """The subspace with at least so many columns on each side of every module that learns.

    Args:
        part: The open subspace with its styles, whose leading directions come before random ones.
        columns: Per side.
        seed: Of the random ones.
        texts: Whether text encoders learn too.
    """
    directions = first_of(style_driven(part), gaussian(torch.Generator().manual_seed(seed)))

    def of_learning(path: ModulePath, basis: Basis, out: int, into: int) -> Columns:
        if path.component is not Component.UNET and not texts:
            return basis.out.new_zeros(basis.out.shape[0], 0), basis.into.new_zeros(basis.into.shape[0], 0)
        return directions(path, basis, out, into)

    return (yield from with_floor(part.subspace, {}, columns, of_learning))


def style_driven(part: Part) -> Directions:
    """The leading directions that the styles of a subspace have outside its columns, every style alike.

    Args:
        part: The subspace with its styles.
    """
    subspace, styles = part.subspace, part.styles
    norms = {name: _norm(style, subspace) for name, style in styles.items()}
    weights = {name: 1.0 / norm for name, norm in norms.items() if norm > 0.0}

    def updates(path: ModulePath) -> Sequence[LoRALayer]:
        found = [(_update(styles[name], subspace, path), weight) for name, weight in weights.items()]
        return [layer.scaled(weight) for layer, weight in found if layer is not None]

    return donor_driven(updates)


def learning_bytes(wide: Subspace, donors: int, width: int, *, texts: bool) -> int:
    """Bytes on the card of columns, donors, and of cores with their gradients and Adam's moments.

    Args:
        wide: As `learning_subspace` gives it.
        donors: Styles.
        width: Bytes of a number of the columns.
        texts: Whether text encoders learn too.
    """
    total = 0
    for basis in (wide.bases[path] for path in _learning(wide, texts)):
        (k_out, k_in), rows = basis.core_shape, (basis.stored_out.shape[0], basis.stored_into.shape[0])
        total += (rows[0] * k_out + rows[1] * k_in) * width + 4 * (donors + 8) * k_out * k_in
    return total


def donors_in(
    part: Part, wide: Subspace, device: torch.device, dtype: torch.dtype, *, texts: bool
) -> tuple[Updates, list[str]]:
    """Every style's projection into the columns to learn in, stacked, and their names.

    Args:
        part: The open subspace with its styles.
        wide: As `learning_subspace` gives it.
        device: Where it is learnt.
        dtype: Of the columns there, which never learn; cores are float32.
        texts: Whether text encoders learn too.
    """
    found: dict[ModulePath, StackedUpdate] = {}
    for path in _learning(wide, texts):
        basis = wide.bases[path]
        updates = [_update(style, part.subspace, path) for style in part.styles.values()]
        cores = [
            torch.zeros(basis.core_shape) if layer is None else project(canonical(layer), basis)
            for layer in updates
        ]
        out, into = basis.out, basis.into
        found[path] = StackedUpdate(
            out.to(device, dtype), into.to(device, dtype), torch.stack(cores).to(device),
            torch.zeros(out.shape[0], 0, device=device), torch.zeros(0, into.shape[0], device=device),
            torch.zeros(0, dtype=torch.long, device=device),
        )  # fmt: skip
    return found, list(part.styles)


def _learning(wide: Subspace, texts: bool) -> Sequence[ModulePath]:
    return [
        path
        for path, basis in wide.bases.items()
        if (texts or path.component is Component.UNET) and all(basis.core_shape)
    ]


def _update(style: Style, subspace: Subspace, path: ModulePath) -> LoRALayer | None:
    """What a style does to one module."""
    parts = []
    if path in style.cores and all(subspace.bases[path].core_shape):
        parts.append(reconstruct(style.cores[path], subspace.bases[path]))
    if path in style.residuals:
        parts.append(style.residuals[path])
    return joined(parts) if parts else None


def _norm(style: Style, subspace: Subspace) -> float:
    layers: Mapping[ModulePath, LoRALayer | None] = {
        path: _update(style, subspace, path) for path in style.cores
    }
    return hypot(*(layer.norm for layer in layers.values() if layer is not None))
