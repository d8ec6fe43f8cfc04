"""From what a configuration says of its basis to columns for the modules of a model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from eigenlorax.events import drain
from eigenlorax.library.bundle import Bundle
from eigenlorax.library.opened import open_collection
from eigenlorax.module_path import Component
from eigenlorax.peft_tuner.basis_file import is_basis, load_basis
from eigenlorax.peft_tuner.columns import (
    AdapterError,
    Columns,
    by_name,
    columns_of_subspace,
    columns_of_tensors,
    hash_of,
)
from eigenlorax.peft_tuner.config import EigenLoRAxConfig
from eigenlorax.peft_tuner.donors import columns_of_donors
from eigenlorax.peft_tuner.layers import EigenLoRAxLayer, layer_for, matrix_shape, worn_columns
from eigenlorax.subspace.augment import first_of, gaussian, with_floor
from eigenlorax.subspace.merge import Part
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.subspaces.learning_room import style_driven

#: Of columns that no style of a collection asks for.
_SEED = 0


def resolved(config: EigenLoRAxConfig, model: nn.Module, others: Sequence[str]) -> dict[str, Columns]:
    """Columns for every module of a model that an adapter could have a core for.

    Args:
        config: Says where they come from.
        model: The base, perhaps with other adapters in it.
        others: Names of these adapters; one of the same basis lends its columns.

    Raises:
        AdapterError: there is no basis, it is for another model, or it is not the one of the saved adapter.
        StudioError: the place that it names cannot be read.
    """
    modules = {key: _wrapped(module) for key, module in model.named_modules()}
    if config.basis is None or (config.promised and config.save_basis):
        return _without_basis(config, model, modules, others)
    source = _source(config)
    found = {}
    for key, module in modules.items():
        columns = by_name(source, key)
        if columns is not None and layer_for(module) is not None:
            _check_shape(key, columns, module)
            found[key] = columns.first(config.r)
    if not found:
        named = f" as {config.component}" if _is_of_studio(config.basis) else ""
        raise AdapterError(
            f"the basis has no columns for any module of this {type(model).__name__}{named}: it was made for "
            "another model or another part of one"
        )
    return found


def _without_basis(
    config: EigenLoRAxConfig, model: nn.Module, modules: Mapping[str, nn.Module], others: Sequence[str]
) -> dict[str, Columns]:
    """Those of another adapter of the same basis, or room for those that the saved adapter brings."""
    for name in others:
        worn = worn_columns(model, name)
        if config.promised and hash_of(worn) == config.promised:
            return worn
    if config.sizes is None:
        raise AdapterError(
            "an EigenLoRAx adapter needs a basis: give basis= a subspace, a list of saved LoRAs, or a "
            "state dict"
        )
    if not config.save_basis:
        raise AdapterError(
            f"this adapter was saved without its columns (basis {config.promised[:12]}): give "
            "EigenLoRAxConfig.from_pretrained(...) the basis, and that as config="
        )
    found = {}
    for key, (k_out, k_in, _) in config.sizes.items():
        if key not in modules or layer_for(modules[key]) is None:
            raise AdapterError(f"the adapter changes {key}, which this model lacks: it was made for another")
        rows, inputs = matrix_shape(modules[key])
        found[key] = Columns(torch.zeros(rows, k_out), torch.zeros(inputs, k_in))
    return found


def _source(config: EigenLoRAxConfig) -> Mapping[str, Columns]:
    basis = config.basis
    if isinstance(basis, Subspace):
        return columns_of_subspace(basis, Component(config.component))
    if isinstance(basis, list) and basis:
        return columns_of_donors(basis, config.r)
    if isinstance(basis, Mapping) and all(isinstance(value, Tensor) for value in basis.values()):
        return columns_of_tensors(basis)
    if not isinstance(basis, str):
        raise AdapterError(
            f"basis is a {type(basis).__name__}: give a subspace, a path, a list of saved LoRAs, or a "
            "state dict"
        )
    place = Path(basis).expanduser()
    if place.suffix == ".safetensors" and place.is_file() and is_basis(place):
        return load_basis(place)
    collection, component = open_collection(place), Component(config.component)
    if config.r is None:
        return columns_of_subspace(collection.subspace, component)
    return _columns_to_learn_in(collection, component, config.r)


def _columns_to_learn_in(collection: Bundle, component: Component, r: int) -> Mapping[str, Columns]:
    """As many columns in each module, found as for a style that the studio teaches."""
    subspace = collection.subspace
    weights = {
        p: b for p, b in subspace.bases.items() if p.component is component and p.parameter == "weight"
    }
    styles = style_driven(Part(subspace, collection.styles))
    directions = first_of(styles, gaussian(torch.Generator().manual_seed(_SEED)))
    return columns_of_subspace(
        drain(with_floor(replace(subspace, bases=weights), {}, r, directions)), component
    )


def _check_shape(key: str, columns: Columns, module: nn.Module) -> None:
    rows, inputs = matrix_shape(module)
    if (columns.out.shape[0], columns.into.shape[0]) != (rows, inputs):
        raise AdapterError(
            f"the basis has columns for a {key} of {columns.out.shape[0]} x {columns.into.shape[0]}, in this "
            f"model it is {rows} x {inputs}: it was made for another model"
        )


def _is_of_studio(basis: object) -> bool:
    return isinstance(basis, (Subspace, str))


def _wrapped(module: nn.Module) -> nn.Module:
    """A module without the adapters around it."""
    return module.wrapped if isinstance(module, EigenLoRAxLayer) else module
