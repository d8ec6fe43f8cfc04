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
    """What the UNet is conditioned on; row 0 is the negative prompt when guidance is on.

    Attributes:
        tokens: (rows, 77, width of both text encoders).
        pooled: (rows, width of the second text encoder's projection).
        time_ids: (rows, 6): original size, crop and target size in pixels, height first.
    """

    tokens: Tensor
    pooled: Tensor
    time_ids: Tensor


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
    prompt = encode_prompt(pipeline, request)
    scheduler = pipeline.scheduler
    scheduler.set_timesteps(request.steps, device=device)
    generator = torch.Generator("cpu").manual_seed(request.seed)
    factor = pipeline.vae_scale_factor
    shape = (1, pipeline.unet.config.in_channels, request.height // factor, request.width // factor)
    latents = torch.randn(shape, generator=generator).to(device, dtype) * scheduler.init_noise_sigma
    for index, timestep in enumerate(scheduler.timesteps, start=1):
        noise = predict_noise(pipeline, request.guidance, prompt, latents, timestep)
        latents = scheduler.step(noise, timestep, latents, generator=generator, return_dict=False)[0]
        yield Step(index, request.steps)
    return decode(pipeline, latents)


@torch.inference_mode()
def encode_prompt(pipeline: StableDiffusionXLPipeline, request: GenerationRequest) -> Prompt:
    """Encode the prompt, and before it the negative one when guidance is on, with both text encoders."""
    guided = request.guidance > 1.0
    tokens, negative_tokens, pooled, negative_pooled = pipeline.encode_prompt(
        prompt=request.prompt,
        device=pipeline.device,
        do_classifier_free_guidance=guided,
        negative_prompt=request.negative_prompt or None,
    )
    if guided:
        tokens, pooled = torch.cat([negative_tokens, tokens]), torch.cat([negative_pooled, pooled])
    sizes = [request.height, request.width, 0, 0, request.height, request.width]
    time_ids = torch.tensor([sizes] * tokens.shape[0], device=tokens.device, dtype=tokens.dtype)
    return Prompt(tokens, pooled, time_ids)


@torch.inference_mode()
def predict_noise(
    pipeline: StableDiffusionXLPipeline, guidance: float, prompt: Prompt, latents: Tensor, timestep: Tensor
) -> Tensor:
    """The UNet's noise estimate for (1, 4, h, w) latents, guided away from row 0 if the prompt has two."""
    rows = prompt.tokens.shape[0]
    noise = pipeline.unet(
        pipeline.scheduler.scale_model_input(torch.cat([latents] * rows), timestep),
        timestep,
        encoder_hidden_states=prompt.tokens,
        added_cond_kwargs={"text_embeds": prompt.pooled, "time_ids": prompt.time_ids},
    ).sample
    if rows == 1:
        return noise
    negative, positive = noise.chunk(2)
    return negative + guidance * (positive - negative)


@torch.inference_mode()
def decode(pipeline: StableDiffusionXLPipeline, latents: Tensor) -> Image.Image:
    """Latents -> RGB picture. SDXL's own VAE overflows in fp16, so such a VAE is run in float32."""
    vae = pipeline.vae
    if vae.dtype == torch.float16 and vae.config.force_upcast:
        vae.to(torch.float32)
    pixels = vae.decode(latents.to(vae.dtype) / vae.config.scaling_factor, return_dict=False)[0]
    return pipeline.image_processor.postprocess(pixels.float(), output_type="pil")[0]
