"""What every adapter algorithm has to say of itself, so that a reader needs to know none of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import ModuleShape

Shapes = Mapping[str, tuple[int, ...]]
"""Role of a tensor in its module -> shape."""

Tensors = Mapping[str, Tensor]
"""Role of a tensor in its module -> float32 values."""

Update = LoRALayer | Tensor
"""An update in exact factors where the algorithm has them, else as a dense (out, in * kernel) matrix."""


@dataclass(frozen=True)
class Algorithm:
    """One way to store a weight update.

    Attributes:
        name: As users know it.
        needs: Sets of roles; one of them must be there as a whole.
        also: Further roles that it reads when they are there.
        misfit: Tells why the tensors cannot belong to a module of this shape; empty when they can.
        rank: The number that alpha is divided by; None when alpha does not scale this algorithm.
        update: The update before alpha. The second argument is the alpha found in the file, for an
            algorithm that uses it otherwise; the third is the base weight, flattened to (out, in * kernel).
        needs_base: The update is true for that base weight only.
    """

    name: str
    needs: tuple[frozenset[str], ...]
    also: frozenset[str]
    misfit: Callable[[Shapes, ModuleShape], str]
    rank: Callable[[Shapes], int | None]
    update: Callable[[Tensors, float, Tensor, ModuleShape], Update]
    needs_base: bool = False

    def matches(self, roles: frozenset[str]) -> bool:
        """True when one of its sets of roles is there as a whole."""
        return any(needed <= roles for needed in self.needs)

    @property
    def roles(self) -> frozenset[str]:
        """Every role that it knows."""
        return self.also.union(*self.needs)


def size_misfit(found: tuple[int, int], shape: ModuleShape) -> str:
    """Compare an update's size with a module's, in words; empty when they agree."""
    if found == shape.matrix:
        return ""
    return f"is {found[0]} x {found[1]} in the file, {shape.matrix[0]} x {shape.matrix[1]} in this model"


def numel(shape: tuple[int, ...]) -> int:
    """How many numbers a tensor of this shape holds."""
    return int(torch.Size(shape).numel())


def flat(tensor: Tensor) -> Tensor:
    """A factor as a matrix: the kernel of a convolution goes into its columns."""
    return tensor.reshape(tensor.shape[0], -1)
