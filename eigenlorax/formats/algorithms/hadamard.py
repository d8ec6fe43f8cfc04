"""LoHa: dW = (w1_a @ w1_b) * (w2_a @ w2_b), elementwise.

Source: FedPara (arXiv:2108.06098); LyCORIS (arXiv:2309.14859).
"""

import torch
from torch import Tensor

from eigenlorax.formats.algorithms.algorithm import Algorithm, Shapes, Tensors, Update, numel, size_misfit
from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import ModuleShape

_PAIRS = (("hada_w1_a", "hada_w1_b", "hada_t1"), ("hada_w2_a", "hada_w2_b", "hada_t2"))


def _misfit(shapes: Shapes, shape: ModuleShape) -> str:
    for a, b, t in _PAIRS:
        left, right = shapes[a], shapes[b]
        if len(left) != 2 or len(right) != 2:
            return f"has LoHa factors of the shapes {left} and {right}, which are no matrices"
        if t in shapes:
            core = shapes[t]
            if len(core) != 4 or core[:2] != (right[0], left[0]) or core[2:] != shape.kernel:
                return f"has a LoHa core of the shape {core}, this model's kernel is {shape.kernel}"
            found = (left[1], right[1] * numel(core[2:]))
        elif left[1] != right[0]:
            return f"has LoHa factors of the shapes {left} and {right}, which do not multiply"
        else:
            found = (left[0], right[1])
        if reason := size_misfit(found, shape):
            return reason
    return ""


def _update(tensors: Tensors, _alpha: float, _base: Tensor, _shape: ModuleShape) -> Update:
    if "hada_t1" in tensors or "hada_t2" in tensors:
        return _side(tensors, 0) * _side(tensors, 1)
    up1, down1 = tensors["hada_w1_a"], tensors["hada_w1_b"]
    up2, down2 = tensors["hada_w2_a"], tensors["hada_w2_b"]
    rank = up1.shape[1] * up2.shape[1]
    if rank > min(up1.shape[0], down1.shape[1]):
        return (up1 @ down1) * (up2 @ down2)
    # (sum_i a_i b_i^T) * (sum_j c_j d_j^T) = sum_ij (a_i * c_j) (b_i * d_j)^T
    up = torch.einsum("oi,oj->oij", up1, up2).reshape(up1.shape[0], rank)
    down = torch.einsum("in,jn->ijn", down1, down2).reshape(rank, down1.shape[1])
    return LoRALayer(up, down)


def _side(tensors: Tensors, index: int) -> Tensor:
    a, b, t = _PAIRS[index]
    if t not in tensors:
        return tensors[a] @ tensors[b]
    dense = torch.einsum("ijkl,jr,ip->prkl", tensors[t], tensors[b], tensors[a])
    return dense.reshape(dense.shape[0], -1)


LOHA = Algorithm(
    name="LoHa",
    needs=(frozenset({"hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"}),),
    also=frozenset({"hada_t1", "hada_t2"}),
    misfit=_misfit,
    rank=lambda shapes: shapes["hada_w1_b"][0],
    update=_update,
)
