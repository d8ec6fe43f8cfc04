"""Safetensors files of any size that hold nothing but a true header (the weights are a hole), and SDXL's layout."""

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path

from eigenlorax.formats.header import DTYPE_BYTES
from eigenlorax.module_path import Component, ModelLayout, ModulePath, ModuleShape

FIXTURES = Path(__file__).parent / "fixtures"


def write(
    path: Path,
    shapes: Mapping[str, tuple[int, ...]],
    metadata: Mapping[str, str] | None = None,
    dtype: str = "F16",
) -> Path:
    """A sparse file with this header: zeros that take no room on disk."""
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    position = 0
    for name, shape in shapes.items():
        size = prod(shape) * DTYPE_BYTES[dtype]
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [position, position + size]}
        position += size
    raw = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(raw).to_bytes(8, "little") + raw)
        file.truncate(8 + len(raw) + position)
    return path


def sdxl_layout() -> ModelLayout:
    """The full-size SDXL UNet's modules, and CLIP-L's and CLIP-bigG's, as a loaded pipeline would give them."""
    layout: dict[ModulePath, ModuleShape] = {}
    for name, _, out, into, kernel, *_ in json.loads((FIXTURES / "sdxl_unet_modules.json").read_text()):
        sides = tuple(kernel) if isinstance(kernel, list) else (kernel, kernel) if kernel else ()
        layout[ModulePath(Component.UNET, name)] = ModuleShape(out, into, sides)
    for component, layers, width in ((Component.TEXT_ENCODER, 12, 768), (Component.TEXT_ENCODER_2, 32, 1280)):
        for layer in range(layers):
            stem = f"text_model.encoder.layers.{layer}"
            for leaf in ("q_proj", "k_proj", "v_proj", "out_proj"):
                layout[ModulePath(component, f"{stem}.self_attn.{leaf}")] = ModuleShape(width, width)
            layout[ModulePath(component, f"{stem}.mlp.fc1")] = ModuleShape(4 * width, width)
            layout[ModulePath(component, f"{stem}.mlp.fc2")] = ModuleShape(width, 4 * width)
    layout[ModulePath(Component.TEXT_ENCODER_2, "text_projection")] = ModuleShape(1280, 1280)
    return layout
