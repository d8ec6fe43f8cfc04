"""The one form every LoRA has inside this program, whatever file it came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from eigenlorax.module_path import ModulePath


@dataclass(frozen=True)
class LoRALayer:
    """A low-rank weight update dW = up @ down.

    Attributes:
        up: float32; alpha / rank is already folded in, so nothing scales it again.
        down: float32; the kernel of a convolution is flattened into its columns.
    """

    up: Float[Tensor, "out rank"]
    down: Float[Tensor, "rank into"]

    @property
    def rank(self) -> int:
        """Number of columns of `up`."""
        return self.down.shape[0]

    @property
    def norm(self) -> float:
        """Frobenius norm of dW, from the r x r Gram matrices of its factors, summed in float64."""
        up, down = self.up.double(), self.down.double()
        return float(((up.mT @ up) * (down @ down.mT)).sum().clamp(min=0.0).sqrt())

    def scaled(self, strength: float) -> "LoRALayer":
        """The layer whose update is `strength` times this one's: one factor is scaled, not both."""
        return LoRALayer(self.up * strength, self.down)


def joined(layers: Sequence[LoRALayer]) -> LoRALayer:
    """One layer whose update is the sum of all; their columns stand side by side."""
    if len(layers) == 1:
        return layers[0]
    return LoRALayer(torch.cat([x.up for x in layers], 1), torch.cat([x.down for x in layers], 0))


@dataclass(frozen=True)
class LoRA:
    """A named set of low-rank updates for one base model.

    Attributes:
        name: Unique in a library; the stem of the file it came from.
        layers: May read each layer from disk when asked for it, so that a collection is never
            held in memory as a whole.
        sha256: Hash of the file's bytes, hex; empty for a LoRA that came from no file.
    """

    name: str
    layers: Mapping[ModulePath, LoRALayer]
    sha256: str = ""
