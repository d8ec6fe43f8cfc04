"""A small studio to grow, and how to see what became of it."""

from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image

from eigenlorax.events import drain
from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import ModelLayout
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from tests import tiny

REQUEST = GenerationRequest("a cat", seed=3, steps=2, width=64, height=64, styles={"a": 1.0})
#: Old columns come out of a widened basis to a rounding of float32, so 8-bit pixels differ by at most this.
PIXEL_TOLERANCE = 1


def few(layout: ModelLayout) -> ModelLayout:
    """The middle of the UNet and the first text encoder's first layer: enough to see, and quick."""
    return {p: shape for p, shape in layout.items() if "mid_block" in p.name or "layers.0" in p.name}


def relatives(base: BaseModel, names: str, seed: int) -> list[LoRA]:
    return tiny.relatives(few(base.layout), names, 4, seed)


def bring(studio: Studio, folder: Path, *loras: LoRA) -> None:
    for lora in loras:
        studio.import_paths([tiny.write_lora(folder / f"{lora.name}.safetensors", lora)])


def half_known(base: BaseModel) -> LoRA:
    """The relatives' output sides with input sides of its own: columns on one side are all it needs."""
    known = relatives(base, "a", 1)[0]
    generator = torch.Generator().manual_seed(77)
    layers = {
        path: LoRALayer(layer.up, torch.randn(layer.down.shape, generator=generator))
        for path, layer in known.layers.items()
    }
    return LoRA("half", layers)


def picture(studio: Studio, name: str = "a") -> Image.Image:
    return drain(studio.generate(replace(REQUEST, styles={name: 1.0}))).image


def difference(one: Image.Image, other: Image.Image) -> int:
    """Largest difference of two 8-bit pixels."""
    pixels = [torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).int() for image in (one, other)]
    return int((pixels[0] - pixels[1]).abs().max())
