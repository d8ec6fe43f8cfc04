"""LoKr: dW = w1 (x) w2, each whole or as a product of two factors.

Source: KronA (arXiv:2212.10650); LyCORIS (arXiv:2309.14859).
"""

import torch
from torch import Tensor

from eigenlorax.formats.algorithms.algorithm import Algorithm, Shapes, Tensors, Update, numel, size_misfit
from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import ModuleShape

_W1 = (frozenset({"lokr_w1"}), frozenset({"lokr_w1_a", "lokr_w1_b"}))
_W2 = (frozenset({"lokr_w2"}), frozenset({"lokr_w2_a", "lokr_w2_b"}))


def _sizes(shapes: Shapes) -> tuple[tuple[int, int], tuple[int, int]] | None:
    sizes = []
    for w, t in (("lokr_w1", ""), ("lokr_w2", "lokr_t2")):
        whole = shapes.get(w)
        if whole is not None:
            if len(whole) < 2:
                return None
            sizes.append((whole[0], numel(whole[1:])))
            continue
        a, b = shapes[f"{w}_a"], shapes[f"{w}_b"]
        if len(a) != 2 or len(b) < 2:
            return None
        if t in shapes:
            sizes.append((a[1], b[1] * numel(shapes[t][2:])))
        elif a[1] != b[0]:
            return None
        else:
            sizes.append((a[0], numel(b[1:])))
    return sizes[0], sizes[1]


def _misfit(shapes: Shapes, shape: ModuleShape) -> str:
    sizes = _sizes(shapes)
    if sizes is None:
        return f"has LoKr factors that do not multiply: {', '.join(map(str, shapes.values()))}"
    return size_misfit((sizes[0][0] * sizes[1][0], sizes[0][1] * sizes[1][1]), shape)


def _rank(shapes: Shapes) -> int | None:
    """LyCORIS divides by the rank of w2, else of w1; with both whole, alpha does not count."""
    for factor in ("lokr_w2_b", "lokr_w1_b"):
        if factor in shapes:
            return shapes[factor][0]
    return None


def _update(tensors: Tensors, _alpha: float, _base: Tensor, _shape: ModuleShape) -> Update:
    w1 = tensors["lokr_w1"] if "lokr_w1" in tensors else tensors["lokr_w1_a"] @ tensors["lokr_w1_b"]
    if "lokr_w2_a" in tensors and "lokr_t2" not in tensors:
        up2, down2 = tensors["lokr_w2_a"], tensors["lokr_w2_b"].reshape(tensors["lokr_w2_b"].shape[0], -1)
        rank = w1.shape[1] * up2.shape[1]
        if rank <= min(w1.shape[0] * up2.shape[0], w1.shape[1] * down2.shape[1]):
            # w1 (x) (up2 @ down2) = (w1 (x) up2) @ (I (x) down2)
            eye = torch.eye(w1.shape[1])
            return LoRALayer(torch.kron(w1, up2), torch.kron(eye, down2))
    if "lokr_w2" in tensors:
        w2 = tensors["lokr_w2"]
    elif "lokr_t2" in tensors:
        t2 = tensors["lokr_t2"]
        w2 = torch.einsum("ijkl,jr,ip->prkl", t2, tensors["lokr_w2_b"], tensors["lokr_w2_a"])
    else:
        w2 = tensors["lokr_w2_a"] @ tensors["lokr_w2_b"].reshape(tensors["lokr_w2_b"].shape[0], -1)
    return torch.kron(w1, w2.reshape(w2.shape[0], -1))


LOKR = Algorithm(
    name="LoKr",
    needs=tuple(first | second for first in _W1 for second in _W2),
    also=frozenset({"lokr_t2"}),
    misfit=_misfit,
    rank=_rank,
    update=_update,
)
