"""GLoRA: an update of its own plus one that multiplies the base weight from the right.

Two layouts are about. LyCORIS 4: dW = b1 @ b2 + W @ a1 @ a2, with a1 (in, r). Older files, as A1111
reads them: dW = b2 @ b1 + W @ a2 @ a1, with a1 (r, in).

Source: arXiv:2306.07967; LyCORIS 4.1.3 (modules/glora.py); A1111 (extensions-builtin/Lora/network_glora.py).
"""

from torch import Tensor

from eigenlorax.formats.algorithms.algorithm import Algorithm, Shapes, Tensors, flat, size_misfit
from eigenlorax.module_path import ModuleShape

_ROLES = ("a1", "a2", "b1", "b2")


def _is_new(shapes: Shapes, shape: ModuleShape) -> bool:
    return shapes["a1"][0] == shape.in_features and shapes["a2"][0] == shapes["a1"][1]


def _misfit(shapes: Shapes, shape: ModuleShape) -> str:
    if any(len(shapes[role]) < 2 for role in _ROLES):
        return "has GLoRA factors that are no matrices"
    if shape.kernel not in ((), (1, 1)):
        return f"is a GLoRA of a {shape.kernel[0]} x {shape.kernel[1]} convolution, which is not defined"
    a, b = (("a1", "a2"), ("b1", "b2")) if _is_new(shapes, shape) else (("a2", "a1"), ("b2", "b1"))
    if shapes[a[0]][1] != shapes[a[1]][0] or shapes[b[0]][1] != shapes[b[1]][0]:
        return "has GLoRA factors that do not multiply"
    if shapes[a[0]][0] != shape.in_features or shapes[a[1]][1] != shape.in_features:
        return f"has GLoRA factors for {shapes[a[0]][0]} inputs, this model has {shape.in_features}"
    return size_misfit((shapes[b[0]][0], shapes[b[1]][1]), shape)


def _update(tensors: Tensors, _alpha: float, base: Tensor, shape: ModuleShape) -> Tensor:
    a1, a2, b1, b2 = (flat(tensors[role]) for role in _ROLES)
    if _is_new({role: tuple(tensors[role].shape) for role in _ROLES}, shape):
        return b1 @ b2 + base @ a1 @ a2
    return b2 @ b1 + base @ a2 @ a1


GLORA = Algorithm(
    name="GLoRA",
    needs=(frozenset(_ROLES),),
    also=frozenset(),
    misfit=_misfit,
    rank=lambda shapes: min(shapes["a1"][:2]),
    update=_update,
    needs_base=True,
)
