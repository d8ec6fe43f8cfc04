"""What a picture starts from: noise, another picture, another picture under a mask, a smaller one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image, ImageFilter
from torch import Tensor
from torch.nn import functional

from eigenlorax.recipe import Canvas, Fill, GenerationRequest, Upscaler
from eigenlorax.runtime.pixels import decode, encode
from eigenlorax.runtime.samplers import Course

Size = tuple[int, int]
"""Width and height in pixels."""

_NEARLY_EQUAL = 0.9995


@dataclass(frozen=True)
class Ground:
    """What is painted over, ready in latent space.

    Attributes:
        latents: (1 or pictures, 4, h, w) float32.
        mask: (1, 1, h, w) 1 where it is repainted; None everywhere.
        fill: What lies under the mask at the start.
    """

    latents: Tensor
    mask: Tensor | None = None
    fill: Fill = Fill.ORIGINAL

    def started(self, course: Course, noise: Tensor) -> Tensor:
        """The latents of the course's first noise level."""
        latents = self.latents.expand_as(noise)
        if self.mask is not None and self.fill is Fill.NOISE:
            latents = torch.lerp(latents, noise, self.mask)
        return noised(course, latents, noise, 0)

    def kept(self, course: Course, latents: Tensor, noise: Tensor, done: int) -> Tensor:
        """Put back what the mask protects, at the noise level after `done` calls of the UNet."""
        if self.mask is None or (done % course.order and done < len(course.timesteps)):
            return latents
        original = self.latents.expand_as(latents)
        if done < len(course.timesteps):
            original = noised(course, original, noise, done)
        return (1.0 - self.mask) * original + self.mask * latents


def noised(course: Course, latents: Tensor, noise: Tensor, index: int) -> Tensor:
    """Latents at the noise level of the course's timestep `index`."""
    timestep = course.timesteps[index].repeat(len(latents))
    result: Tensor = course.scheduler.add_noise(latents, noise, timestep)
    return result


def starting_noise(request: GenerationRequest, generator: torch.Generator, shape: Sequence[int]) -> Tensor:
    """One picture's noise, (1, 4, h, w) float32, drawn on the CPU.

    Args:
        request: Of this picture alone.
        generator: Seeded with the request's seed; it goes on to feed the sampler.
        shape: (1, 4, h, w).
    """
    noise = torch.randn(tuple(shape), generator=generator)
    if not request.variation_strength:
        return noise
    other = torch.Generator("cpu").manual_seed(request.variation_seed)
    return slerp(noise, torch.randn(tuple(shape), generator=other), request.variation_strength)


def slerp(start: Tensor, end: Tensor, part: float) -> Tensor:
    """Go `part` of the way from one (1, channels, h, w) noise to another on a sphere: it stays noise.

    Columns of each channel are turned on their own, as A1111 does; the same seeds mean the same picture.

    Source: AUTOMATIC1111/stable-diffusion-webui, modules/rng.py (slerp).
    """
    cosine = (functional.normalize(start, dim=2) * functional.normalize(end, dim=2)).sum(2, keepdim=True)
    if float(cosine.mean()) > _NEARLY_EQUAL:
        return torch.lerp(start, end, part)
    angle = torch.acos(cosine.clamp(-1.0, 1.0))
    return (torch.sin((1.0 - part) * angle) * start + torch.sin(part * angle) * end) / torch.sin(angle)


def grounded(pipeline: StableDiffusionXLPipeline, canvas: Canvas, size: Size) -> Ground:
    """Encode a canvas at the size that is drawn."""
    device = pipeline._execution_device
    latents = encode(pipeline, _fitted(canvas.image, size)).to(device)
    if canvas.mask is None:
        return Ground(latents)
    mask = soft_mask(canvas, size).resize((latents.shape[3], latents.shape[2]), Image.Resampling.BOX)
    hard = torch.from_numpy(np.array(mask)) >= 128
    return Ground(latents, hard.float()[None, None].to(device), canvas.fill)


def finished(canvas: Canvas | None, image: Image.Image) -> Image.Image:
    """Lay the original's own pixels over what the mask protects; its blurred edge hides the seam."""
    if canvas is None or canvas.mask is None:
        return image
    return Image.composite(image, _fitted(canvas.image, image.size), soft_mask(canvas, image.size))


def soft_mask(canvas: Canvas, size: Size) -> Image.Image:
    """The mask at this size with its edge blurred; white is repainted."""
    if canvas.mask is None:
        return Image.new("L", size, 255)
    mask = canvas.mask.convert("L")
    if mask.size != size:
        mask = mask.resize(size, Image.Resampling.BILINEAR)
    return mask.filter(ImageFilter.GaussianBlur(canvas.blur)) if canvas.blur else mask


def enlarged(pipeline: StableDiffusionXLPipeline, latents: Tensor, upscaler: Upscaler, size: Size) -> Tensor:
    """Latents of small pictures -> latents (pictures, 4, h, w) of the same pictures at `size`."""
    factor = pipeline.vae_scale_factor
    if upscaler is Upscaler.LATENT:
        return functional.interpolate(latents, size=(size[1] // factor, size[0] // factor), mode="bilinear")
    grown = [decode(pipeline, one[None]).resize(size, Image.Resampling.LANCZOS) for one in latents]
    return torch.cat([encode(pipeline, one) for one in grown]).to(latents.device)


def _fitted(image: Image.Image, size: Size) -> Image.Image:
    image = image.convert("RGB")
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)
