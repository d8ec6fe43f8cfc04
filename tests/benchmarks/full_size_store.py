"""An 18-fold compressed collection over the full-size SDXL UNet, for measuring speed and memory on a GPU."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from eigenlorax.events import drain
from eigenlorax.lora import LoRA
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.subspace.fit import Goal, fit
from eigenlorax.subspace.numbers import Numbers, nbytes
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from tests.benchmarks.full_size import collection, linear_layout, one_of_each_shape

RANK, RATIO, SHARED = 32, 18, 0.3
CUDA = torch.device("cuda")


def store(count: int) -> tuple[Subspace, dict[str, Style], int]:
    """An 18-fold compressed collection over the UNet's linear modules, and the fp16 bytes of one of its LoRAs."""
    layout = {path: shape for path, shape in linear_layout().items() if path.component is Component.UNET}
    firsts = one_of_each_shape(layout)
    loras = collection(layout, list(firsts), count, RANK, SHARED)
    alike = {layout[path].matrix: path for path in firsts}
    home = {path: alike[shape.matrix] for path, shape in layout.items()}
    lora_bytes = sum(2 * RANK * sum(shape.matrix) for shape in layout.values())
    wanted, budget = (
        count * lora_bytes / RATIO,
        sum(2 * RANK * sum(layout[p].matrix) for p in firsts) * count / RATIO,
    )
    for _ in range(3):  # one module of each shape gets its share of bytes only about
        goal = Goal(number_bytes=int(budget), numbers=Numbers.INT8)
        result = drain(fit(loras, {}, "", goal, device=CUDA))
        bases = {path: result.subspace.bases[first] for path, first in home.items()}
        subspace = replace(result.subspace, bases=bases)
        made = result.styles({lora.name: () for lora in loras})
        styles = {name: spread(style, subspace, home) for name, style in made.items()}
        budget *= wanted / stored_bytes(subspace, styles)
    print(
        f"store of {count} LoRAs: {stored_bytes(subspace, styles) / 1e6:.1f} MB, 18 times less: {wanted / 1e6:.1f} MB"
    )
    return subspace, styles, lora_bytes


def stored_bytes(subspace: Subspace, styles: Mapping[str, Style]) -> int:
    """Bytes of all numbers, scales included."""
    bases = sum(nbytes(basis.stored_out) + nbytes(basis.stored_into) for basis in subspace.bases.values())
    kept = [
        one
        for style in styles.values()
        for one in (*style.cores.kept.values(), *style.residuals.kept.values())
    ]
    return bases + sum(one.nbytes for one in kept)


def spread(style: Style, subspace: Subspace, home: Mapping[ModulePath, ModulePath]) -> Style:
    """A style whose every module has the numbers of the first module of its shape."""
    cores = {path: style.cores.kept[first] for path, first in home.items()}
    residuals = {p: style.residuals.kept[f] for p, f in home.items() if f in style.residuals.kept}
    return replace(
        style,
        subspace=subspace.hash,
        cores=type(style.cores)(cores),
        residuals=type(style.residuals)(residuals),
    )


def peft_state(lora: LoRA, dtype: torch.dtype) -> dict[str, Tensor]:
    """A LoRA in PEFT's spelling."""
    state = {}
    for path, layer in lora.layers.items():
        state[f"{path.name}.lora_A.weight"] = layer.down.to(dtype).contiguous()
        state[f"{path.name}.lora_B.weight"] = layer.up.to(dtype).contiguous()
    return state
