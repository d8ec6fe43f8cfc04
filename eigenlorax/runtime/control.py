"""A ControlNet beside the UNet: a picture of edges, depth or a pose that the drawing follows."""

from dataclasses import dataclass

from diffusers import ControlNetModel, StableDiffusionXLPipeline
from jaxtyping import Float
from torch import Tensor

from eigenlorax.runtime.brush import UNet
from eigenlorax.runtime.prompt import Prompt


@dataclass(frozen=True)
class Control:
    """What guides a drawing beside its prompt.

    Attributes:
        model: A ControlNet for SDXL, where the UNet computes.
        hint: RGB in [0, 1], of the picture's size.
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
        hint = control.hint.to(scaled.device, scaled.dtype).expand(scaled.shape[0], -1, -1, -1)
        skips, middle = control.model(
            scaled, timestep, controlnet_cond=hint, conditioning_scale=control.scale, **asked
        )
        output: Tensor = pipeline.unet(
            scaled, timestep, down_block_additional_residuals=skips,
            mid_block_additional_residual=middle, **asked,
        )[0]  # fmt: skip
        return output

    return unet
