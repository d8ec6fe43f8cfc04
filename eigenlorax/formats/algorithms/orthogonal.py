"""OFT and BOFT: the base weight's output channels turned by orthogonal blocks.

R = (I + Q)(I - Q)^-1 with Q = B - B^T, one block per group of channels; OFT turns once, BOFT turns in
butterfly stages that mix ever wider groups. In both, `alpha` is a bound on |Q|, not a scale.

Source: arXiv:2306.07280 (OFT), arXiv:2311.06243 (BOFT); LyCORIS 4.1.3 (functional/diag_oft.py, boft.py);
kohya-ss/sd-scripts (networks/oft.py).
"""

import torch
from torch import Tensor

from eigenlorax.formats.algorithms.algorithm import Algorithm, Shapes, Tensors, numel
from eigenlorax.module_path import ModuleShape


def _misfit(shapes: Shapes, shape: ModuleShape) -> str:
    blocks = shapes["oft_blocks"]
    if len(blocks) not in (3, 4) or blocks[-1] != blocks[-2]:
        return f"has OFT blocks of the shape {blocks}, which are no square blocks"
    channels = blocks[-3] * blocks[-1]
    if channels != shape.out_features:
        return f"turns {channels} output channels, this model has {shape.out_features}"
    if len(blocks) == 4 and blocks[-1] % 2:
        return f"has BOFT blocks of odd size {blocks[-1]}"
    if "rescale" in shapes and numel(shapes["rescale"]) != shape.out_features:
        return f"rescales {numel(shapes['rescale'])} output channels, this model has {shape.out_features}"
    return ""


def _update(tensors: Tensors, alpha: float, base: Tensor, shape: ModuleShape) -> Tensor:
    blocks = tensors["oft_blocks"]
    turns = _cayley(blocks, alpha * shape.out_features)
    turned = _butterfly(base, turns) if blocks.dim() == 4 else _turn(base, turns)
    if "rescale" in tensors:
        turned = turned * tensors["rescale"].reshape(-1, 1)
    return turned - base


def _cayley(blocks: Tensor, bound: float) -> Tensor:
    q = blocks - blocks.mT
    norm = float(q.norm()) + 1e-8
    if 0.0 < bound < norm:
        q = q * (bound / norm)
    eye = torch.eye(q.shape[-1])
    return (eye + q) @ torch.linalg.inv(eye - q)


def _turn(base: Tensor, turns: Tensor) -> Tensor:
    grouped = base.reshape(turns.shape[0], turns.shape[1], -1)
    return torch.einsum("knm,kni->kmi", turns, grouped).reshape(base.shape)


def _butterfly(base: Tensor, turns: Tensor) -> Tensor:
    size = turns.shape[-1]
    result = base
    for stage, blocks in enumerate(turns):
        stride = 2**stage * (size // 2)
        paired = result.reshape(-1, 2, stride, base.shape[1]).transpose(1, 2)
        turned = torch.einsum("bij,bjn->bin", blocks, paired.reshape(-1, size, base.shape[1]))
        result = turned.reshape(-1, stride, 2, base.shape[1]).transpose(1, 2).reshape(base.shape)
    return result


OFT = Algorithm(
    name="OFT",
    needs=(frozenset({"oft_blocks"}),),
    also=frozenset({"rescale"}),
    misfit=_misfit,
    rank=lambda _: None,
    update=_update,
    needs_base=True,
)
