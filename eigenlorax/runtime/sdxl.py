"""Load an SDXL-class pipeline from a folder, a hub id or a single file, and read its layout."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.utils import logging as diffusers_logging
from torch import nn
from transformers.utils import logging as transformers_logging

from eigenlorax.errors import ModelLoadError
from eigenlorax.module_path import Component, ModelLayout, ModulePath, ModuleShape, layout_hash
from eigenlorax.runtime.hardware import Hardware, budget_bytes, has_bf16, processor
from eigenlorax.runtime.learning import LearningNeeds, fitting, learning_plans
from eigenlorax.runtime.options import LoadOptions, Placement, Precision
from eigenlorax.runtime.placement import Placed
from eigenlorax.runtime.plan import Needs, Plan, cpu_plan, ladder, make_plan
from eigenlorax.runtime.precision import weights_dtype
from eigenlorax.runtime.sizes import ModelSize, size_of
from eigenlorax.runtime.sources import load_pipeline
from eigenlorax.runtime.variant import Variant, configured

_CHANGEABLE = (nn.Linear, nn.Conv2d, nn.GroupNorm, nn.LayerNorm)


@dataclass(frozen=True)
class BaseModel:
    """A loaded base.

    Attributes:
        pipeline: The pipeline in inference mode; its scheduler suits the variant.
        parameters: Weights and biases of every linear, convolution and norm, by canonical path.
        modules: Those linears, convolutions and norms, by the canonical path of their weight.
        layout: Their shapes.
        layout_hash: SHA-256 of the layout.
        name: For the user to read and for the PNG text.
        variant: What kind of SDXL it was recognised as.
        size: Its bytes, for the memory plan.
        placed: Where its parts lie.
        hardware: What it was loaded for.
        placement: What the user asked for.
        folder: Where its files lie; None for a model of the hub.
    """

    pipeline: StableDiffusionXLPipeline
    parameters: Mapping[ModulePath, nn.Parameter]
    modules: Mapping[ModulePath, nn.Module]
    layout: ModelLayout
    layout_hash: str
    name: str
    variant: Variant
    size: ModelSize
    placed: Placed
    hardware: Hardware
    placement: Placement = Placement.AUTO
    folder: Path | None = None

    @property
    def native_size(self) -> int:
        """Side in pixels of the square that the UNet was trained for."""
        return int(self.pipeline.unet.config.sample_size) * int(self.pipeline.vae_scale_factor)

    @property
    def device(self) -> torch.device:
        """Where inputs must lie; `pipeline.device` is another place while parts are moved about."""
        return self.placed.device

    def plan(self, needs: Needs) -> Plan:
        """The fastest way to draw this with the memory there is now; `placed.take` puts it into effect."""
        budget = budget_bytes(self.hardware.device)
        wish = self.placement
        if self.hardware.device.type == "mps" and wish is Placement.AUTO:
            wish = Placement.GPU  # one memory for both: nothing is won by moving weights
        return make_plan(self._told_size, needs, budget, wish)

    def rungs(self, needs: Needs) -> list[Plan]:
        """Every way to draw this on the card, from the fastest to the leanest; empty without a card."""
        budget = budget_bytes(self.hardware.device)
        return [] if budget is None else ladder(self._told_size, needs, budget)

    def learning_plans(self, needs: LearningNeeds) -> list[Plan]:
        """The ways to learn this that are worth trying, the fastest first; `runtime.learning` takes one.

        Only the one in effect where there is no card whose memory could run out, or where all shares it.
        """
        budget = budget_bytes(self.hardware.device)
        if (
            budget is None
            or self.hardware.device.type == "mps"
            or self.placed.plan.placement is Placement.CPU
        ):
            return [self.placed.plan]
        return fitting(learning_plans(self._told_size, needs, budget))

    @property
    def _told_size(self) -> ModelSize:
        """Under the name that the user reads, which may have been given after loading."""
        return replace(self.size, name=self.name)


def load_base(model: str, hardware: Hardware, options: LoadOptions | None = None) -> BaseModel:
    """Load the base model that `model` points at and place it for one picture of its native size.

    Args:
        model: A diffusers folder, a single .safetensors file, or a hub id.
        hardware: Where it runs and in which precision.
        options: Precision, VAE and placement, where they are not to be chosen.

    Raises:
        ModelLoadError: nothing there, not SDXL, or a broken file; says what was wrong.
    """
    options = options or LoadOptions()
    if options.placement is Placement.CPU:
        hardware = processor()
    if options.precision is Precision.BF16 and not has_bf16(hardware.device):
        raise ModelLoadError(f"{hardware.name} computes no bf16: start with --precision fp16")
    _quiet_loading()
    dtype = weights_dtype(options.precision, hardware)
    pipeline, variant = load_pipeline(model, dtype, options)
    pipeline.scheduler = configured(pipeline.scheduler, variant)
    path = Path(model).expanduser()
    name = path.stem if path.exists() else model
    folder = None if not path.exists() else path if path.is_dir() else path.parent
    base = base_of(pipeline, name, variant, hardware, options.placement, folder)
    place(base)
    return base


def base_of(
    pipeline: StableDiffusionXLPipeline,
    name: str,
    variant: Variant,
    hardware: Hardware,
    placement: Placement = Placement.AUTO,
    folder: Path | None = None,
) -> BaseModel:
    """A pipeline with all that styles need to know of it, wherever it lies."""
    pipeline.set_progress_bar_config(disable=True)
    for component in Component:
        getattr(pipeline, component.value).eval().requires_grad_(False)
    parameters, modules = changeable(pipeline)
    layout = layout_of(parameters)
    return BaseModel(
        pipeline, parameters, modules, layout, layout_hash(layout), name, variant,
        size_of(pipeline, name), Placed(pipeline, hardware.device), hardware, placement, folder,
    )  # fmt: skip


def changeable(
    pipeline: StableDiffusionXLPipeline,
) -> tuple[dict[ModulePath, nn.Parameter], dict[ModulePath, nn.Module]]:
    """What styles may change of a pipeline: its parameters, and the modules they belong to."""
    parameters: dict[ModulePath, nn.Parameter] = {}
    modules: dict[ModulePath, nn.Module] = {}
    for component in Component:
        for inner, module in getattr(pipeline, component.value).named_modules():
            if isinstance(module, _CHANGEABLE):
                home = ModulePath(component, canonical_name(component, inner))
                modules[home] = module
                for kind, parameter in module.named_parameters(recurse=False):
                    parameters[home._replace(parameter=kind)] = parameter
    return parameters, modules


def layout_of(parameters: Mapping[ModulePath, nn.Parameter]) -> ModelLayout:
    """The shapes of what styles may change."""
    return {path: _shape(parameter) for path, parameter in parameters.items()}


def place(base: BaseModel) -> None:
    """Bring a model to where a picture of its native size is drawn.

    That is the CPU, in its own precision, where not even one layer at a time fits on the card.
    """
    needs = Needs(base.native_size, base.native_size)
    plan = base.plan(needs)
    if base.placement is Placement.AUTO and not plan.fits:
        base.pipeline.to(processor().dtype)
        plan = cpu_plan(base.size, needs)
    base.placed.take(plan)


def _quiet_loading() -> None:
    """No bars and notes for parts that load in a blink; a download from the hub still shows its own."""
    for library in (diffusers_logging, transformers_logging):
        library.set_verbosity_error()
        library.disable_progress_bar()


def canonical_name(component: Component, name: str) -> str:
    """A module's name as files carry it; transformers' CLIPTextModel has lost their `text_model.` level."""
    if component is Component.UNET or name.startswith(("text_model.", "text_projection")):
        return name
    return f"text_model.{name}"


def _shape(parameter: nn.Parameter) -> ModuleShape:
    if parameter.dim() == 1:
        return ModuleShape(parameter.shape[0], 1, is_vector=True)
    return ModuleShape(parameter.shape[0], parameter.shape[1], tuple(parameter.shape[2:]))
