"""LoRA and LoCon: dW = up @ down, with an optional Tucker core for the kernel of a convolution.

Source: arXiv:2106.09685; LyCORIS' LoCon (arXiv:2309.14859).
"""

import torch
from torch import Tensor

from eigenlorax.formats.algorithms.algorithm import Algorithm, Shapes, Tensors, flat, numel, size_misfit
from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import ModuleShape


def _misfit(shapes: Shapes, shape: ModuleShape) -> str:
    down, up = shapes["down"], shapes["up"]
    if len(down) < 2 or len(up) < 2 or 0 in down or 0 in up:
        return f"has factors of the shapes {up} and {down}, which are no matrices"
    rank, width = down[0], numel(down) // down[0]
    if "mid" in shapes:
        mid = shapes["mid"]
        if len(mid) != 4 or mid[:2] != (rank, rank) or mid[2:] != shape.kernel:
            return f"has a middle factor of the shape {mid}, this model's kernel is {shape.kernel}"
        width *= numel(mid[2:])
    if up[1] != rank or numel(up) != up[0] * rank:
        return f"has factors of the shapes {up} and {down}, which do not multiply"
    return size_misfit((up[0], width), shape)


def _update(tensors: Tensors, _alpha: float, _base: Tensor, _shape: ModuleShape) -> LoRALayer:
    down = flat(tensors["down"])
    if "mid" in tensors:
        down = flat(torch.einsum("mnhw,ni->mihw", tensors["mid"], down))
    return LoRALayer(flat(tensors["up"]), down.contiguous())


LOW_RANK = Algorithm(
    name="LoRA",
    needs=(frozenset({"down", "up"}),),
    also=frozenset({"mid"}),
    misfit=_misfit,
    rank=lambda shapes: shapes["down"][0],
    update=_update,
)
