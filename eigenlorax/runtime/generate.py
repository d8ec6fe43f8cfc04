"""One picture from a request, and the pieces of the way there that others use."""

from collections.abc import Generator

import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image
from torch import Tensor

from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.brush import Brush, plain
from eigenlorax.runtime.paint import Preview, Step, paint
from eigenlorax.runtime.pixels import decode
from eigenlorax.runtime.prompt import Prompt, embed

__all__ = ["Preview", "Prompt", "Step", "decode", "denoise", "encode_prompt", "paint", "predict_noise"]


def denoise(
    pipeline: StableDiffusionXLPipeline, request: GenerationRequest, brush: Brush | None = None
) -> Generator[Step, None, Image.Image]:
    """Draw one picture: the first of the request.

    Args:
        pipeline: An SDXL pipeline.
        request: A checked request; its `styles` are not looked at here.
        brush: Asks the model; by default the pipeline as it stands, styles included.

    Yields:
        A Step after each call of the UNet.

    Returns:
        The picture, RGB, of `request.hires_size`.

    Raises:
        InvalidRequestError: as `paint` does.
    """
    painting = paint(pipeline, request.of_picture(0), brush or plain(pipeline))
    try:
        while True:
            try:
                event = next(painting)
            except StopIteration as end:
                pictures: list[Image.Image] = end.value
                return pictures[0]
            if isinstance(event, Step):
                yield event
    finally:
        painting.close()


def encode_prompt(pipeline: StableDiffusionXLPipeline, request: GenerationRequest) -> Prompt:
    """The prompt, and before it the negative one when guidance is on, at the request's size."""
    return embed(pipeline, request).conditioned(1, request.width, request.height)


@torch.inference_mode()
def predict_noise(
    pipeline: StableDiffusionXLPipeline, guidance: float, prompt: Prompt, latents: Tensor, timestep: Tensor
) -> Tensor:
    """The UNet's noise estimate for (1, 4, h, w) latents, guided away from row 0 if the prompt has two."""
    rows = prompt.tokens.shape[0]
    scaled = pipeline.scheduler.scale_model_input(torch.cat([latents] * rows), timestep)
    noise = plain(pipeline).unet(scaled, timestep, prompt)
    if rows == 1:
        return noise
    negative, positive = noise.chunk(2)
    return negative + guidance * (positive - negative)
