"""DoRA: the direction of W + dW with a learnt magnitude per input or per output channel.

A `magnitude_vector` (peft, diffusers, ai-toolkit) is per output. A `dora_scale` (kohya, LyCORIS,
OneTrainer) is per input when it is (1, in, ...), per output when it is (out, 1, ...) or (out,).

Source: arXiv:2402.09353; LyCORIS 4.1.3 (functional/general.py); peft 0.21.2 (tuners/lora/dora.py).
"""

from torch import Tensor

from eigenlorax.formats.algorithms.algorithm import Shapes, Tensors, numel
from eigenlorax.module_path import ModuleShape

MAGNITUDE_ROLES = frozenset({"dora_scale", "magnitude_vector"})


def magnitude_misfit(shapes: Shapes, shape: ModuleShape) -> str:
    """Tell why the magnitudes among `shapes` cannot belong to a module; empty when they can."""
    for role in MAGNITUDE_ROLES & shapes.keys():
        count = shape.in_features if _is_per_input(role, shapes[role]) else shape.out_features
        if numel(shapes[role]) != count:
            return f"has {numel(shapes[role])} DoRA magnitudes, this model asks for {count}"
    return ""


def with_magnitude(update: Tensor, tensors: Tensors, base: Tensor, shape: ModuleShape) -> Tensor:
    """m * (W + dW) / ||W + dW|| - W, the norm taken over each input's or output's weights.

    Args:
        update: (out, in * kernel) dW with alpha folded in.
        tensors: The module's tensors by role; one of the magnitude roles is among them.
        base: (out, in * kernel).
        shape: The module's shape, which splits the columns into inputs and kernel.
    """
    role = next(iter(MAGNITUDE_ROLES & tensors.keys()))
    magnitude = tensors[role]
    direction = (base + update).reshape(shape.out_features, shape.in_features, -1)
    if _is_per_input(role, tuple(magnitude.shape)):
        factor = magnitude.reshape(1, -1, 1) / direction.norm(dim=(0, 2), keepdim=True)
    else:
        factor = magnitude.reshape(-1, 1, 1) / direction.norm(dim=(1, 2), keepdim=True)
    return (direction * factor).reshape(shape.matrix) - base


def _is_per_input(role: str, found: tuple[int, ...]) -> bool:
    return role == "dora_scale" and len(found) >= 2 and found[0] == 1
