"""Whole differences and whole replacements, of weights, norms and biases.

Source: LyCORIS' full and norm modules (`diff`, `diff_b`, `w_norm`, `b_norm`); ComfyUI's `set_weight`.
"""

from torch import Tensor

from eigenlorax.formats.algorithms.algorithm import Algorithm, Shapes, Tensors, numel, size_misfit
from eigenlorax.module_path import ModuleShape


def _misfit(role: str, shapes: Shapes, shape: ModuleShape) -> str:
    found = shapes[role]
    if not found:
        return f"has a {role} that is a single number"
    return size_misfit((found[0], numel(found[1:])), shape)


def _difference(tensors: Tensors, _alpha: float, _base: Tensor, shape: ModuleShape) -> Tensor:
    return tensors["diff"].reshape(shape.matrix)


def _replacement(tensors: Tensors, _alpha: float, base: Tensor, shape: ModuleShape) -> Tensor:
    return tensors["set_weight"].reshape(shape.matrix) - base


FULL = Algorithm(
    name="full difference",
    needs=(frozenset({"diff"}),),
    also=frozenset(),
    misfit=lambda shapes, shape: _misfit("diff", shapes, shape),
    rank=lambda _: None,
    update=_difference,
)

SCALED_DIFFERENCE = Algorithm(
    name="bias of a LoRA",
    needs=(frozenset({"scaled_diff", "partner"}),),
    also=frozenset(),
    misfit=lambda shapes, shape: _misfit("scaled_diff", shapes, shape),
    # It is added inside the up projection, so the factor of its module's LoRA scales it too.
    rank=lambda shapes: shapes["partner"][0],
    update=lambda tensors, _alpha, _base, shape: tensors["scaled_diff"].reshape(shape.matrix),
)

REPLACEMENT = Algorithm(
    name="whole replacement",
    needs=(frozenset({"set_weight"}),),
    also=frozenset(),
    misfit=lambda shapes, shape: _misfit("set_weight", shapes, shape),
    rank=lambda _: None,
    update=_replacement,
    needs_base=True,
)
