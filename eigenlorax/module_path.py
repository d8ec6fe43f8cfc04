"""Where a weight lives: component and module name, and the shape that a base model has there."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import prod
from typing import NamedTuple


class Component(StrEnum):
    """The parts of an SDXL pipeline that a LoRA may change."""

    UNET = "unet"
    TEXT_ENCODER = "text_encoder"
    TEXT_ENCODER_2 = "text_encoder_2"


class ModulePath(NamedTuple):
    """One weight-bearing module; text encoder names always carry their `text_model.` level."""

    component: Component
    name: str

    def __str__(self) -> str:
        return f"{self.component.value}.{self.name}"

    @classmethod
    def parse(cls, text: str) -> "ModulePath":
        """Inverse of `str`.

        Raises:
            ValueError: `text` does not start with a known component.
        """
        component, _, name = text.partition(".")
        return cls(Component(component), name)


@dataclass(frozen=True)
class ModuleShape:
    """Shape of a linear or convolution weight.

    Attributes:
        out_features: Rows of the weight (output channels).
        in_features: Columns of the weight, before the kernel is flattened in (input channels).
        kernel: Empty for a linear layer, (kh, kw) for a convolution.
    """

    out_features: int
    in_features: int
    kernel: tuple[int, ...] = ()

    @property
    def matrix(self) -> tuple[int, int]:
        """(out, in * kh * kw): the weight as the matrix that a low-rank update has."""
        return self.out_features, self.in_features * prod(self.kernel)


ModelLayout = Mapping[ModulePath, ModuleShape]
"""Every linear and convolution of a loaded base: read from the model, never assumed."""


def layout_hash(layout: ModelLayout) -> str:
    """SHA-256 (hex) over module names and shapes: equal for every checkpoint of one architecture."""
    lines = sorted(f"{path} {shape.matrix} {shape.kernel}" for path, shape in layout.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
