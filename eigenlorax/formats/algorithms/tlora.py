"""T-LoRA: dW = P diag(lambda) Q less the same product at the start of training.

The start is not in the file: it is the leading part of the base weight's SVD.

Source: arXiv:2507.05964; LyCORIS 4.1.3 (modules/tlora.py, data-dependent principal start, all ranks on).
"""

import torch
from torch import Tensor

from eigenlorax.formats.algorithms.algorithm import Algorithm, Shapes, Tensors, flat, numel, size_misfit
from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import ModuleShape


def _misfit(shapes: Shapes, shape: ModuleShape) -> str:
    p, q, values = shapes["p_layer"], shapes["q_layer"], shapes["lambda_layer"]
    if len(p) < 2 or len(q) < 2 or p[1] != q[0] or numel(values) != q[0]:
        return f"has T-LoRA factors of the shapes {p}, {values} and {q}, which do not multiply"
    if shape.kernel not in ((), (1, 1)):
        return f"is a T-LoRA of a {shape.kernel[0]} x {shape.kernel[1]} convolution, which is not defined"
    return size_misfit((p[0], numel(q) // q[0]), shape)


def _update(tensors: Tensors, _alpha: float, base: Tensor, _shape: ModuleShape) -> LoRALayer:
    p, q, values = flat(tensors["p_layer"]), flat(tensors["q_layer"]), tensors["lambda_layer"].flatten()
    left, s, right = torch.linalg.svd(base, full_matrices=False)
    rank = q.shape[0]
    start_up, start_down = left[:, :rank] * s[:rank], right[:rank]
    return LoRALayer(torch.cat([p * values, -start_up], dim=1), torch.cat([q, start_down], dim=0))


TLORA = Algorithm(
    name="T-LoRA",
    needs=(frozenset({"q_layer", "p_layer", "lambda_layer"}),),
    also=frozenset(),
    misfit=_misfit,
    rank=lambda shapes: shapes["q_layer"][0],
    update=_update,
    needs_base=True,
)
