"""Load an SDXL-class pipeline from a folder, a hub id or a single file, and read its layout."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.utils import logging as diffusers_logging
from torch import nn
from transformers.utils import logging as transformers_logging

from eigenlorax.errors import ModelLoadError
from eigenlorax.module_path import Component, ModelLayout, ModulePath, ModuleShape, layout_hash
from eigenlorax.runtime.checkpoint import load_checkpoint
from eigenlorax.runtime.hardware import Hardware

_CHANGEABLE = (nn.Linear, nn.Conv2d, nn.GroupNorm, nn.LayerNorm)
_ADVICE = "give --model an SDXL folder (diffusers form), a .safetensors checkpoint or a hub id (owner/name)"


@dataclass(frozen=True)
class BaseModel:
    """A loaded base.

    Attributes:
        pipeline: The pipeline in inference mode on its device.
        parameters: Weights and biases of every linear, convolution and norm, by canonical path.
        modules: Those linears, convolutions and norms, by the canonical path of their weight.
        layout: Their shapes.
        layout_hash: SHA-256 of the layout.
        name: For the user to read and for the PNG text.
        folder: Where its files lie; None for a model of the hub.
    """

    pipeline: StableDiffusionXLPipeline
    parameters: Mapping[ModulePath, nn.Parameter]
    modules: Mapping[ModulePath, nn.Module]
    layout: ModelLayout
    layout_hash: str
    name: str
    folder: Path | None = None

    @property
    def native_size(self) -> int:
        """Side in pixels of the square that the UNet was trained for."""
        return int(self.pipeline.unet.config.sample_size) * int(self.pipeline.vae_scale_factor)


def load_base(model: str, hardware: Hardware) -> BaseModel:
    """Load the base model that `model` points at.

    Args:
        model: A diffusers folder, a single .safetensors file, or a hub id.
        hardware: Where it runs and in which precision.

    Raises:
        ModelLoadError: nothing there, not SDXL, or a broken file; says what was wrong.
    """
    _quiet_loading()
    path = Path(model).expanduser()
    pipeline = _load(model, path, hardware.dtype)
    missing = [c.value for c in Component if getattr(pipeline, c.value, None) is None]
    if missing:
        raise ModelLoadError(f"{model} has no {', '.join(missing)}, so it is not an SDXL model: {_ADVICE}")
    pipeline.to(hardware.device)
    pipeline.set_progress_bar_config(disable=True)
    parameters, modules = {}, {}
    for component in Component:
        owner = getattr(pipeline, component.value)
        owner.eval().requires_grad_(False)
        for name, module in owner.named_modules():
            if isinstance(module, _CHANGEABLE):
                home = ModulePath(component, _canonical_name(component, name))
                modules[home] = module
                for kind, parameter in module.named_parameters(recurse=False):
                    parameters[home._replace(parameter=kind)] = parameter
    layout = {module_path: _shape(parameter) for module_path, parameter in parameters.items()}
    if not path.exists():
        return BaseModel(pipeline, parameters, modules, layout, layout_hash(layout), model)
    folder = path if path.is_dir() else path.parent
    return BaseModel(pipeline, parameters, modules, layout, layout_hash(layout), path.stem, folder)


def _quiet_loading() -> None:
    """No bars and notes for parts that load in a blink; a download from the hub still shows its own."""
    for library in (diffusers_logging, transformers_logging):
        library.set_verbosity_error()
        library.disable_progress_bar()


def _load(model: str, path: Path, dtype: torch.dtype) -> StableDiffusionXLPipeline:
    try:
        if path.is_file():
            if path.suffix != ".safetensors":
                raise ModelLoadError(f"{model} is not .safetensors; pickles are never opened: {_ADVICE}")
            return load_checkpoint(path, dtype)
        if path.is_dir():
            if not (path / "model_index.json").is_file():
                raise ModelLoadError(f"the folder {model} has no model_index.json: {_ADVICE}")
            return StableDiffusionXLPipeline.from_pretrained(
                path, dtype=dtype, use_safetensors=True, local_files_only=True
            )
        if model.count("/") != 1 or model.startswith((".", "/", "~")):
            raise ModelLoadError(f"{model} does not exist: {_ADVICE}")
        return StableDiffusionXLPipeline.from_pretrained(model, dtype=dtype, use_safetensors=True)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelLoadError(f"{model} cannot be loaded as SDXL ({first_line}): {_ADVICE}") from error


def _canonical_name(component: Component, name: str) -> str:
    """Since transformers 5.6 CLIPTextModel has lost the `text_model.` level that files carry."""
    if component is Component.UNET or name.startswith(("text_model.", "text_projection")):
        return name
    return f"text_model.{name}"


def _shape(parameter: nn.Parameter) -> ModuleShape:
    if parameter.dim() == 1:
        return ModuleShape(parameter.shape[0], 1, is_vector=True)
    return ModuleShape(parameter.shape[0], parameter.shape[1], tuple(parameter.shape[2:]))
