"""How the model is asked while styles are worn: what an engine hands to the painter."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from diffusers import StableDiffusionXLPipeline
from torch import Tensor

from eigenlorax.runtime.prompt import Prompt

UNet = Callable[[Tensor, Tensor, Prompt], Tensor]
"""(rows, 4, h, w) scaled latents, the timestep and the prompt of the same rows -> the UNet's output.

With guidance the rows are the negatives of all pictures, then their positives.
"""


@dataclass(frozen=True)
class Brush:
    """How the model is asked while styles are worn.

    Attributes:
        unet: Predicts in the model's precision on its device.
        at_step: Called with (index from 0, total) before each call of the UNet.
        text_key: Names what the text encoders wear; None means that prompt embeddings are never kept.
        per_picture: Each picture of a batch wears a blend of its own, so that the text encoders are called
            with one row for each picture, for the prompt and again for the negative prompt.
    """

    unet: UNet
    at_step: Callable[[int, int], None]
    text_key: Hashable | None
    per_picture: bool = False


def plain(pipeline: StableDiffusionXLPipeline) -> Brush:
    """The pipeline's own modules as they stand."""

    def unet(scaled: Tensor, timestep: Tensor, prompt: Prompt) -> Tensor:
        conditions = {"text_embeds": prompt.pooled, "time_ids": prompt.time_ids}
        output: Tensor = pipeline.unet(
            scaled, timestep, encoder_hidden_states=prompt.tokens, added_cond_kwargs=conditions
        ).sample
        return output

    return Brush(unet, lambda _index, _total: None, None)
