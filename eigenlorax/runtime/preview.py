"""What a half-drawn picture will be, without its decoder: a linear map from latents to colours."""

from weakref import WeakKeyDictionary

import torch
from diffusers import AutoencoderKL, SchedulerMixin
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from eigenlorax.runtime.pixels import from_latents, to_latents

# Published for SDXL's autoencoder in comfyanonymous/ComfyUI, comfy/latent_formats.py; the last row is added.
_SDXL = (
    (0.3651, 0.4232, 0.4341),
    (-0.2533, -0.0042, 0.1068),
    (0.1076, 0.1111, -0.0362),
    (-0.3165, -0.2492, -0.2188),
    (0.1084, -0.0175, -0.0011),
)
_SDXL_CHANNELS = (128, 256, 512, 512)
_SDXL_FACTOR = 0.13025
_PICTURES, _SIDE, _SEED = 8, 16, 0

_maps: WeakKeyDictionary[nn.Module, Tensor] = WeakKeyDictionary()


def estimate(scheduler: SchedulerMixin, scaled: Tensor, output: Tensor, timestep: Tensor) -> Tensor:
    """The picture that the model sees in the noise, whatever the sampler: x0 = (x - sigma eps) / alpha.

    Args:
        scheduler: Knows the noise levels and what the model predicts.
        scaled: (pictures, 4, h, w) what the UNet was given: alpha x0 + sigma eps at any sampler.
        output: (pictures, 4, h, w) what it answered, guided.
        timestep: In [0, training steps), may lie between two.

    Returns:
        (pictures, 4, h, w) float32 scaled latents.

    Source: arXiv:2202.00512 (v-prediction).
    """
    levels = scheduler.alphas_cumprod.cpu().double()
    place = min(max(float(timestep), 0.0), len(levels) - 1.0)
    low = int(place)
    high = min(low + 1, len(levels) - 1)
    squared = float(torch.lerp(levels[low], levels[high], place - low).clamp(1e-9, 1.0))
    alpha, sigma = squared**0.5, (1.0 - squared) ** 0.5
    scaled, output = scaled.float(), output.float()
    kind = scheduler.config.prediction_type
    if kind == "v_prediction":
        return alpha * scaled - sigma * output
    return output if kind == "sample" else (scaled - sigma * output) / alpha


def previewed(vae: AutoencoderKL, latents: Tensor) -> tuple[Image.Image, ...]:
    """Small RGB pictures, one pixel for each place of the (pictures, 4, h, w) latents."""
    colours = _affine(latents.float(), colour_map(vae).to(latents.device))
    values = ((colours + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8).cpu()
    return tuple(Image.fromarray(one.numpy()) for one in values)


def colour_map(vae: AutoencoderKL) -> Tensor:
    """(5, 3): factors of four latent channels and a constant, for colours in [-1, 1].

    SDXL's autoencoder has published ones; any other's are fitted, once, to what it decodes.
    """
    config = vae.config
    if tuple(config.block_out_channels) == _SDXL_CHANNELS and config.scaling_factor == _SDXL_FACTOR:
        return torch.tensor(_SDXL)
    if vae not in _maps:
        _maps[vae] = _fitted(vae)
    return _maps[vae]


@torch.inference_mode()
def _fitted(vae: AutoencoderKL) -> Tensor:
    """Least squares between latents of smooth random colours with hard edges and their decoded colours."""
    generator = torch.Generator("cpu").manual_seed(_SEED)
    factor = 2 ** (len(vae.config.block_out_channels) - 1)
    coarse = torch.rand(_PICTURES, 3, 4, 4, generator=generator) * 2.0 - 1.0
    side = _SIDE * factor
    smooth = functional.interpolate(coarse, size=(side, side), mode="bicubic", antialias=False)
    hard = functional.interpolate(coarse.flip(0), size=(side, side), mode="nearest")
    pictures = torch.where(hard[:, :1] > 0.0, hard, smooth).clamp(-1.0, 1.0)
    latents = torch.cat([to_latents(vae, picture[None]) for picture in pictures])
    decoded = torch.cat([from_latents(vae, one[None]) for one in latents])
    colours = functional.avg_pool2d(decoded, factor).movedim(1, -1).reshape(-1, 3).double().cpu()
    places = latents.movedim(1, -1).reshape(-1, latents.shape[1]).double().cpu()
    ones = torch.ones(len(places), 1, dtype=torch.float64)
    return torch.linalg.lstsq(torch.cat([places, ones], dim=1), colours).solution.float()


def _affine(latents: Tensor, factors: Tensor) -> Tensor:
    """(pictures, h, w, 3)."""
    return latents.movedim(1, -1) @ factors[:-1] + factors[-1]
