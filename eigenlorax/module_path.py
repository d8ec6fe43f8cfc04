"""Where a parameter lives in a base model, and the shape that it has there."""

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
    """One parameter of one module: its weight unless said otherwise.

    Text encoder names always carry their `text_model.` level.
    """

    component: Component
    name: str
    parameter: str = "weight"

    def __str__(self) -> str:
        ending = "" if self.parameter == "weight" else f":{self.parameter}"
        return f"{self.component.value}.{self.name}{ending}"

    @classmethod
    def parse(cls, text: str) -> "ModulePath":
        """Inverse of `str`.

        Raises:
            ValueError: `text` does not start with a known component.
        """
        component, _, rest = text.partition(".")
        name, _, parameter = rest.partition(":")
        return cls(Component(component), name, parameter or "weight")


@dataclass(frozen=True)
class ModuleShape:
    """Shape of a parameter seen as a matrix; a vector (a bias, a norm's weight) has one column.

    Attributes:
        out_features: Rows (output channels).
        in_features: Columns before the kernel is flattened in (input channels); 1 for a vector.
        kernel: (kh, kw) for a convolution, else empty.
        is_vector: True for a parameter of one dimension.
    """

    out_features: int
    in_features: int
    kernel: tuple[int, ...] = ()
    is_vector: bool = False

    @property
    def matrix(self) -> tuple[int, int]:
        """(out, in * kh * kw): the weight as the matrix that a low-rank update has."""
        return self.out_features, self.in_features * prod(self.kernel)


ModelLayout = Mapping[ModulePath, ModuleShape]
"""Every parameter that a LoRA file may change in a loaded base: read from the model, never assumed."""


def layout_hash(layout: ModelLayout) -> str:
    """SHA-256 (hex) over module names and shapes: equal for every checkpoint of one architecture."""
    lines = sorted(f"{path} {shape.matrix} {shape.kernel}" for path, shape in layout.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
