"""A ControlNet beside the UNet: a picture of edges, depth or a pose that the drawing follows."""

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import ControlNetModel, StableDiffusionXLPipeline
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from eigenlorax.errors import ModelLoadError
from eigenlorax.recipe import ControlHint
from eigenlorax.runtime.brush import UNet
from eigenlorax.runtime.canvas import Size
from eigenlorax.runtime.control_file import Config, load_control_file, misfit
from eigenlorax.runtime.pixels import pixels_of
from eigenlorax.runtime.prompt import Prompt


@dataclass(frozen=True)
class Control:
    """What guides a drawing beside its prompt.

    Attributes:
        model: A ControlNet for SDXL, where the UNet computes.
        hint: RGB in [0, 1]; brought to the size that is drawn.
        scale: Strength; 0 is without.
        start, end: The share of the steps between which it acts, in [0, 1].
    """

    model: ControlNetModel
    hint: Float[Tensor, "1 3 height width"]
    scale: float = 1.0
    start: float = 0.0
    end: float = 1.0


def controlled(pipeline: StableDiffusionXLPipeline, control: Control) -> UNet:
    """The UNet with what a ControlNet adds to its skips; the text and the size go to both.

    Source: arXiv:2302.05543.
    """

    def unet(scaled: Tensor, timestep: Tensor, prompt: Prompt) -> Tensor:
        asked = {
            "encoder_hidden_states": prompt.tokens,
            "added_cond_kwargs": {"text_embeds": prompt.pooled, "time_ids": prompt.time_ids},
            "return_dict": False,
        }
        size = [pipeline.vae_scale_factor * side for side in scaled.shape[-2:]]
        hint = interpolate(control.hint.to(scaled.device), size, mode="bilinear", antialias=True)
        hint = hint.to(scaled.dtype).expand(scaled.shape[0], -1, -1, -1)
        skips, middle = control.model(
            scaled, timestep, controlnet_cond=hint, conditioning_scale=control.scale, **asked
        )
        output: Tensor = pipeline.unet(
            scaled, timestep, down_block_additional_residuals=skips,
            mid_block_additional_residual=middle, **asked,
        )[0]  # fmt: skip
        return output

    return unet


class ControlCase:
    """The ControlNet that was used last, so that the next picture need not load it again.

    Args:
        unet: The configuration of the UNet that is steered.
    """

    def __init__(self, unet: Config) -> None:
        self._unet, self._name = unet, ""
        self._model: ControlNetModel | None = None

    def prepared(self, hint: ControlHint | None, dtype: torch.dtype) -> int:
        """Bytes that the next picture's model will take on the card; without one, none stays there.

        Raises:
            ModelLoadError: as `get`.
        """
        if hint is None:
            if self._model is not None:
                self._model.to("cpu")
            return 0
        numbers = sum(parameter.numel() for parameter in self._taken(hint.model, dtype).parameters())
        return numbers * dtype.itemsize

    def get(self, hint: ControlHint, size: Size, device: torch.device, dtype: torch.dtype) -> Control:
        """What a hint asks for, ready to guide pictures of this size.

        Args:
            hint: The model and its picture.
            size: Width and height in pixels of the finished pictures.
            device, dtype: Where and in what the UNet computes.

        Raises:
            ModelLoadError: the model is not there, is no ControlNet for SDXL, or does not fit this UNet.
        """
        model = self._taken(hint.model, dtype)
        picture = hint.image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        model.to(device, dtype)
        return Control(model, pixels_of(picture).to(device), hint.scale, hint.start, hint.end)

    def _taken(self, name: str, dtype: torch.dtype) -> ControlNetModel:
        """The model of this name, read where it is not the one that is kept."""
        if self._model is None or self._name != name:
            self._model, self._name = None, ""
            self._model, self._name = _loaded(name, self._unet, dtype), name
        return self._model


def _loaded(model: str, unet: Config, dtype: torch.dtype) -> ControlNetModel:
    path = Path(model).expanduser()
    if path.is_file():
        if path.suffix != ".safetensors":
            raise ModelLoadError(f"{model} is not .safetensors; pickles are never opened")
        return load_control_file(path, unet, dtype).eval().requires_grad_(False)
    if path.is_absolute() and not path.exists():
        raise ModelLoadError(f"there is no ControlNet at {model}: choose another")
    try:
        loaded = ControlNetModel.from_pretrained(model, dtype=dtype, use_safetensors=True)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelLoadError(
            f"{model} cannot be loaded as a ControlNet ({reason}): give a diffusers folder, a .safetensors "
            "file or a hub id of one for SDXL"
        ) from error
    if reason := misfit({name: tuple(one.shape) for name, one in loaded.state_dict().items()}, unet):
        raise ModelLoadError(f"{model} {reason}")
    return loaded.eval().requires_grad_(False)
