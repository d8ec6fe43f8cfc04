"""Latents and pixels: the autoencoder's two ways, one picture at a time."""

import numpy as np
import torch
from diffusers import AutoencoderKL, StableDiffusionXLPipeline
from diffusers.utils.torch_utils import get_module_execution_device
from PIL import Image
from torch import Tensor


@torch.inference_mode()
def from_latents(vae: AutoencoderKL, latents: Tensor) -> Tensor:
    """Scaled latents (1, 4, h, w) -> colours (1, 3, height, width) float32, around [-1, 1]."""
    _widened(vae)
    latents = latents.to(get_module_execution_device(vae), vae.dtype)
    pixels: Tensor = vae.decode(latents / vae.config.scaling_factor, return_dict=False)[0]
    return pixels.float()


@torch.inference_mode()
def to_latents(vae: AutoencoderKL, colours: Tensor) -> Tensor:
    """Colours (1, 3, height, width) in [-1, 1] -> the likeliest scaled latents (1, 4, h, w) float32.

    The mode, not a draw: drawing would take numbers from the seed that noise is made of.
    """
    _widened(vae)
    colours = colours.to(get_module_execution_device(vae), vae.dtype)
    latents: Tensor = vae.encode(colours).latent_dist.mode() * vae.config.scaling_factor
    return latents.float()


def decode(pipeline: StableDiffusionXLPipeline, latents: Tensor) -> Image.Image:
    """Scaled latents (1, 4, h, w) -> an RGB picture."""
    image: Image.Image = pipeline.image_processor.postprocess(from_latents(pipeline.vae, latents), "pil")[0]
    return image


def pixels_of(image: Image.Image) -> Tensor:
    """An RGB picture -> (1, 3, height, width) float32 in [0, 1]."""
    return torch.from_numpy(np.array(image, dtype=np.float32)).movedim(-1, 0)[None] / 255.0


def encode(pipeline: StableDiffusionXLPipeline, image: Image.Image) -> Tensor:
    """An RGB picture -> scaled latents (1, 4, h, w) float32."""
    return to_latents(pipeline.vae, pixels_of(image) * 2.0 - 1.0)


def _widened(vae: AutoencoderKL) -> None:
    """SDXL's own VAE overflows in fp16, so such a VAE is run in float32."""
    if vae.dtype == torch.float16 and vae.config.force_upcast:
        vae.to(torch.float32)
