"""A style of the studio as an adapter of peft, and an adapter as a style."""

from collections.abc import Mapping

import torch
from peft import PeftModel, get_peft_model
from torch import Tensor, nn

from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.peft_tuner.columns import AdapterError
from eigenlorax.peft_tuner.config import EigenLoRAxConfig
from eigenlorax.peft_tuner.layers import EigenLoRAxLayer, can_wear
from eigenlorax.runtime.sdxl import canonical_name
from eigenlorax.subspace.basis import Basis
from eigenlorax.subspace.fidelity import Fidelity
from eigenlorax.subspace.kept_cores import KeptCore, KeptCores, keep_core
from eigenlorax.subspace.kept_residuals import KeptResidual, KeptResiduals, keep_residual
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

#: Below this share of the largest, a core's singular value is rounding.
_NOTHING = 1e-5


def style_to_peft(
    model: nn.Module,
    subspace: Subspace,
    style: Style,
    component: Component | str = Component.UNET,
    adapter_name: str = "default",
) -> PeftModel:
    """Put one part of a style into a model as an adapter, its private ranks included.

    Args:
        model: That part of a pipeline, or a PeftModel of it, which gets one more adapter.
        subspace: The style's.
        style: Any style of the studio.
        component: Which part of SDXL the model is.
        adapter_name: Of the adapter.

    Raises:
        AdapterError: the style changes a norm or a bias there, which an adapter cannot, or the model is not
            of that part.
    """
    part = Component(component)
    residuals = {path.name: style.residuals[path] for path in style.residuals if path.component is part}
    touched = [
        path
        for path, basis in subspace.bases.items()
        if path.component is part
        and path in style.cores
        and (all(basis.core_shape) or path in style.residuals)
    ]
    config = EigenLoRAxConfig(basis=subspace, component=part.value)
    base = model.get_base_model() if isinstance(model, PeftModel) else model
    if not touched:
        raise AdapterError(f"{style.name} leaves the {part} alone: there is nothing to put there")
    keys = {canonical_name(part, key): key for key, module in base.named_modules() if can_wear(module)}
    if bare := sorted(str(p) for p in touched if p.parameter != "weight" or p.name not in keys):
        raise AdapterError(
            f"{style.name} changes {bare[0]}, which is no linear layer or convolution of this model: export "
            "the style as a LoRA, or give the right component"
        )
    config.sizes = {keys[name]: [0, 0, layer.rank] for name, layer in residuals.items()}
    if isinstance(model, PeftModel):
        model.add_adapter(adapter_name, config)
    else:
        model = get_peft_model(model, config, adapter_name)
    layers = _layers(model, part, adapter_name)
    with torch.no_grad():
        for path in touched:
            layer = layers[path]
            layer.eigenlorax_core[adapter_name].copy_(style.cores[path])
            if path.name in residuals:
                layer.eigenlorax_up[adapter_name].copy_(residuals[path.name].up)
                layer.eigenlorax_down[adapter_name].copy_(residuals[path.name].down)
    return model


def style_from_peft(
    models: Mapping[Component | str, nn.Module],
    subspace: Subspace,
    name: str,
    adapter_name: str = "default",
    trigger_words: tuple[str, ...] = (),
) -> Style:
    """The style that adapters on the parts of a pipeline are, in the numbers that the subspace is kept in.

    Args:
        models: Part -> model with the adapter; a part that it leaves alone is left out.
        subspace: Whose columns the adapters have.
        name: Of the style.
        adapter_name: Of the adapter, the same in each part.
        trigger_words: That its prompts should hold.

    Raises:
        AdapterError: there is no such adapter, or it has other columns than the subspace.
    """
    cores: dict[ModulePath, KeptCore] = {}
    residuals: dict[ModulePath, KeptResidual] = {}
    for part, model in models.items():
        layers = _layers(model, Component(part), adapter_name)
        if not layers:
            raise AdapterError(f"the {part} has no EigenLoRAx adapter named {adapter_name}")
        for path, layer in layers.items():
            basis = subspace.bases.get(path)
            if basis is None or not _same(layer, basis, adapter_name):
                raise AdapterError(
                    f"the adapter's columns of {path} are not those of subspace {subspace.hash[:12]}: "
                    "give the subspace that it was made with"
                )
            core = layer.eigenlorax_core[adapter_name].detach().float().cpu() * layer.scaling[adapter_name]
            if core.any() or adapter_name in layer.eigenlorax_up:
                cores[path] = keep_core(core, _rank(core), basis.numbers)
            if adapter_name in layer.eigenlorax_up:
                up, down = layer.eigenlorax_up[adapter_name], layer.eigenlorax_down[adapter_name]
                private = LoRALayer(up.float().cpu() * layer.scaling[adapter_name], down.float().cpu())
                residuals[path] = keep_residual(private, basis.numbers)
    return Style(
        name=name,
        cores=KeptCores({path: cores[path] for path in subspace.bases if path in cores}),
        subspace=subspace.hash,
        fidelity=Fidelity(1.0, "", 1.0, 0, 0),
        trigger_words=trigger_words,
        residuals=KeptResiduals({path: residuals[path] for path in subspace.bases if path in residuals}),
    )


def _layers(model: nn.Module, part: Component, adapter_name: str) -> dict[ModulePath, EigenLoRAxLayer]:
    """Every layer that has the adapter, by the canonical path of its weight."""
    return {
        ModulePath(part, canonical_name(part, key.removeprefix("base_model.model."))): layer
        for key, layer in model.named_modules()
        if isinstance(layer, EigenLoRAxLayer) and adapter_name in layer.eigenlorax_core
    }


def _same(layer: EigenLoRAxLayer, basis: Basis, adapter_name: str) -> bool:
    sides = (layer.eigenlorax_out[adapter_name], basis.out), (layer.eigenlorax_into[adapter_name], basis.into)
    return all(mine.shape == its.shape and torch.equal(mine.cpu(), its.to(mine.dtype)) for mine, its in sides)


def _rank(core: Tensor) -> int:
    """The core's own rank; 0, for unknown, where it has none."""
    return int(torch.linalg.matrix_rank(core, rtol=_NOTHING)) if core.numel() else 0
