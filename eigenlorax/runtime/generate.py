"""A request -> a picture, as a generator of events; closing it stops within a step."""

from collections.abc import Generator
from dataclasses import dataclass

import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image
from torch import Tensor

from eigenlorax.recipe import GenerationRequest


@dataclass(frozen=True)
class Step:
    """One denoising step is done."""

    done: int
    total: int


@dataclass(frozen=True)
class Prompt:
    """A prompt pair as the UNet reads it; row 0 is the negative one when guidance is on."""

    tokens: Tensor
    pooled: Tensor


@torch.inference_mode()
def denoise(
    pipeline: StableDiffusionXLPipeline, request: GenerationRequest
) -> Generator[Step, None, Image.Image]:
    """Draw one picture with the model as it stands, styles included.

    Noise is drawn on the CPU in float32, so that a seed means the same picture on every device.

    Args:
        pipeline: An SDXL pipeline; its scheduler is used as configured.
        request: A checked request; its `styles` are not looked at here.

    Yields:
        One event per step.

    Returns:
        The picture, RGB, width x height.

    Source: arXiv:2307.01952 (SDXL's size conditioning), arXiv:2207.12598 (guidance).
    """
    device, dtype = pipeline.device, pipeline.unet.dtype
    guided = request.guidance > 1.0
    prompt = encode_prompt(pipeline, request, guided)
    sizes = [request.height, request.width, 0, 0, request.height, request.width]
    time_ids = torch.tensor([sizes], device=device, dtype=dtype).repeat(prompt.tokens.shape[0], 1)
    conditions = {"text_embeds": prompt.pooled, "time_ids": time_ids}
    scheduler = pipeline.scheduler
    scheduler.set_timesteps(request.steps, device=device)
    generator = torch.Generator("cpu").manual_seed(request.seed)
    factor = pipeline.vae_scale_factor
    shape = (1, pipeline.unet.config.in_channels, request.height // factor, request.width // factor)
    latents = torch.randn(shape, generator=generator).to(device, dtype) * scheduler.init_noise_sigma
    for index, timestep in enumerate(scheduler.timesteps, start=1):
        model_input = scheduler.scale_model_input(torch.cat([latents] * prompt.tokens.shape[0]), timestep)
        noise = pipeline.unet(
            model_input, timestep, encoder_hidden_states=prompt.tokens, added_cond_kwargs=conditions
        ).sample
        if guided:
            negative, positive = noise.chunk(2)
            noise = negative + request.guidance * (positive - negative)
        latents = scheduler.step(noise, timestep, latents, generator=generator, return_dict=False)[0]
        yield Step(index, request.steps)
    return decode(pipeline, latents)


def encode_prompt(pipeline: StableDiffusionXLPipeline, request: GenerationRequest, guided: bool) -> Prompt:
    """Encode the prompt, and before it the negative one when `guided`, with both text encoders."""
    tokens, negative_tokens, pooled, negative_pooled = pipeline.encode_prompt(
        prompt=request.prompt,
        device=pipeline.device,
        do_classifier_free_guidance=guided,
        negative_prompt=request.negative_prompt or None,
    )
    if not guided:
        return Prompt(tokens, pooled)
    return Prompt(torch.cat([negative_tokens, tokens]), torch.cat([negative_pooled, pooled]))


def decode(pipeline: StableDiffusionXLPipeline, latents: Tensor) -> Image.Image:
    """Latents -> RGB picture. SDXL's own VAE overflows in fp16, so such a VAE is run in float32."""
    vae = pipeline.vae
    if vae.dtype == torch.float16 and vae.config.force_upcast:
        vae.to(torch.float32)
    pixels = vae.decode(latents.to(vae.dtype) / vae.config.scaling_factor, return_dict=False)[0]
    return pipeline.image_processor.postprocess(pixels.float(), output_type="pil")[0]
