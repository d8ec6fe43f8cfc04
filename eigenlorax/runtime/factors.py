"""What modules add to their outputs while a blend is worn: views of a pool's buffers."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from eigenlorax.module_path import ModulePath


@dataclass(frozen=True)
class Factors:
    """One module's share of a pool; views, so that what is written to the pool is seen here.

    Attributes:
        down: Reads the input.
        mix: One for each row of a batch, or one for all.
        up: Writes the output.
    """

    down: Float[Tensor, "rin into"]
    mix: Float[Tensor, "rows rin rout"]
    up: Float[Tensor, "rout out"]

    def of(self, seen: Float[Tensor, "batch_or_1 positions rin"]) -> Float[Tensor, "batch positions out"]:
        """The update's output from what was seen of the input."""
        return seen @ self.mix @ self.up

    def added(
        self, output: Float[Tensor, "batch positions out"], seen: Float[Tensor, "batch positions rin"]
    ) -> Float[Tensor, "batch positions out"]:
        """The module's output with the update added in place: no pass over it but the product's own."""
        mixed = seen.flatten(0, 1) @ self.mix[0] if self.mix.shape[0] == 1 else torch.bmm(seen, self.mix)
        output.view(-1, output.shape[-1]).addmm_(mixed.view(-1, mixed.shape[-1]), self.up)
        return output


@dataclass(frozen=True)
class Batch:
    """Modules of one weight shape whose factors have one shape too, taken together.

    Attributes:
        paths: The n modules.
        down: (n, rin, in).
        mix: (n, rin, rout).
        up: (n, rout, out).
    """

    paths: tuple[ModulePath, ...]
    down: Float[Tensor, "n rin into"]
    mix: Float[Tensor, "n rin rout"]
    up: Float[Tensor, "n rout out"]
