"""How much a change of a weight matters, and the coordinates in which all changes matter alike."""

from dataclasses import dataclass
from math import sqrt

import torch
from jaxtyping import Float
from torch import Tensor

from eigenlorax.lora import LoRALayer


@dataclass(frozen=True)
class Sensitivity:
    """Squared change of a prediction for a squared change of one weight.

    An error E of a module's weight counts as out * sum_ij E_ij^2 into_j.

    Attributes:
        out: The module's factor, above 0.
        into: (in * kernel,) mean square of each input, above 0; None when all inputs count alike.
    """

    out: float
    into: Float[Tensor, " into"] | None = None

    def weighed(self, layer: LoRALayer) -> LoRALayer:
        """The update in coordinates in which its plain squared norm is what it counts."""
        return LoRALayer(layer.up * sqrt(self.out), layer.down * self._roots(layer.down))

    def unweighed(self, layer: LoRALayer) -> LoRALayer:
        """Inverse of `weighed`."""
        return LoRALayer(layer.up / sqrt(self.out), layer.down / self._roots(layer.down))

    def columns(self, into: Float[Tensor, "into k"]) -> Float[Tensor, "into k"]:
        """Input columns of a basis, brought back from those coordinates; no longer orthonormal."""
        return (into.mT / self._roots(into)).mT

    def _roots(self, like: Tensor) -> Tensor:
        return torch.ones((), device=like.device) if self.into is None else self.into.sqrt().to(like)


#: Every weight counts alike.
EVEN = Sensitivity(1.0)
