"""How large a model is: bytes of its parts, and numbers that one pixel costs on its way through."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline
from torch import nn

from eigenlorax.runtime.precision import label


@dataclass(frozen=True)
class ModelSize:
    """What the memory plan knows of a model.

    Attributes:
        name: For the user.
        precision: Of UNet and text encoders, for the user.
        encoders: Bytes of each text encoder.
        unet: Bytes.
        vae: Bytes.
        largest_layer: Bytes of the largest single layer of all parts.
        unet_values: Numbers held at once in the UNet for one latent pixel of one row, by its configuration.
        vae_values: Numbers held at once in the decoder for one pixel of a picture, by its configuration.
        unet_width: Bytes of one number in the UNet.
        vae_width: Bytes of one number in the VAE.
        scale: Pixels of the picture along one side of a latent pixel.
    """

    name: str
    precision: str
    encoders: tuple[int, ...]
    unet: int
    vae: int
    largest_layer: int
    unet_values: float
    vae_values: float
    unet_width: int
    vae_width: int
    scale: int

    @property
    def weights(self) -> int:
        """Bytes of all parts."""
        return sum(self.encoders) + self.unet + self.vae


def sdxl_size(dtype: torch.dtype) -> ModelSize:
    """Full-size SDXL without loading it, its VAE in fp32 as it comes.

    Source: the parameters of stabilityai/stable-diffusion-xl-base-1.0 by its configurations (`assets/sdxl`).
    """
    width, whole = dtype.itemsize, torch.float32.itemsize
    return ModelSize(
        "SDXL", label(dtype), (width * 123_060_480, width * 694_659_840), width * 2_567_463_684,
        whole * 83_653_863, width * 49_408 * 1280, 4760.0, 256.0, width, whole, 8,
    )  # fmt: skip


def size_of(pipeline: StableDiffusionXLPipeline, name: str) -> ModelSize:
    """Read a loaded pipeline's sizes from its parameters and configurations."""
    encoders = (pipeline.text_encoder, pipeline.text_encoder_2)
    return ModelSize(
        name=name,
        precision=label(pipeline.unet.dtype),
        encoders=tuple(_bytes(encoder) for encoder in encoders),
        unet=_bytes(pipeline.unet),
        vae=_bytes(pipeline.vae),
        largest_layer=max(_largest(part) for part in (*encoders, pipeline.unet, pipeline.vae)),
        unet_values=unet_values(pipeline.unet.config),
        vae_values=float(pipeline.vae.config.block_out_channels[min(1, _levels(pipeline.vae) - 1)]),
        unet_width=pipeline.unet.dtype.itemsize,
        vae_width=pipeline.vae.dtype.itemsize,
        scale=int(pipeline.vae_scale_factor),
    )


def unet_values(config: Mapping[str, Any]) -> float:
    """Numbers that the UNet holds at once for one latent pixel: skips, and the widest residual block.

    A skip is kept after the first convolution, every layer and every downsampler; level i has 4^-i of the
    pixels. The widest block is the last level's first one on the way up: its input (the level below beside a
    skip) stands three times (input, normed, activated) beside its output.
    """
    channels = list(config["block_out_channels"])
    layers = config["layers_per_block"]
    depths = layers if isinstance(layers, (list, tuple)) else [layers] * len(channels)
    skips = float(channels[0])
    for level, (width, depth) in enumerate(zip(channels, depths, strict=True)):
        skips += depth * width / 4**level
        if level < len(channels) - 1:
            skips += width / 4 ** (level + 1)
    below = channels[min(1, len(channels) - 1)]
    return skips + 3 * (below + channels[0]) + channels[0]


def _levels(vae: Any) -> int:
    return len(vae.config.block_out_channels)


def _bytes(part: nn.Module) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in part.parameters())


def _largest(part: nn.Module) -> int:
    return max(
        sum(tensor.numel() * tensor.element_size() for tensor in module.parameters(recurse=False))
        for module in part.modules()
    )
