"""(IA)^3: every input or output channel of the base weight times a learnt factor.

Source: arXiv:2205.05638; LyCORIS 4.1.3 (modules/ia3.py), which stores the factor less one.
"""

from torch import Tensor

from eigenlorax.formats.algorithms.algorithm import Algorithm, Shapes, Tensors, numel
from eigenlorax.module_path import ModuleShape


def _misfit(shapes: Shapes, shape: ModuleShape) -> str:
    count = numel(shapes["weight"])
    if count in (shape.in_features, shape.out_features):
        return ""
    return (
        f"has {count} channel factors, this model has {shape.in_features} inputs and "
        f"{shape.out_features} outputs"
    )


def _update(tensors: Tensors, _alpha: float, base: Tensor, shape: ModuleShape) -> Tensor:
    factors = tensors["weight"].flatten()
    if bool(tensors["on_input"].flatten()[0] != 0):
        per_input = base.reshape(shape.out_features, shape.in_features, -1) * factors[None, :, None]
        return per_input.reshape(shape.matrix)
    return base * factors[:, None]


IA3 = Algorithm(
    name="(IA)^3",
    needs=(frozenset({"weight", "on_input"}),),
    also=frozenset(),
    misfit=_misfit,
    rank=lambda _: None,
    update=_update,
    needs_base=True,
)
