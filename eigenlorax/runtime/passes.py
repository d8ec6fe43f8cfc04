"""The two passes over memory that a switch is made of, as torch does them and, on CUDA, as Triton does.

Torch's own operations pass over the memory two to four times as often.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Int64
from torch import Tensor

from eigenlorax.runtime.packed import Pieces


@dataclass(frozen=True)
class Rows:
    """Where a style's rows of private ranks lie in a pool that holds no other style's.

    Attributes:
        starts: Place of each row's first piece, less the number of that piece.
        steps: Pieces from one rank of the module to the next.
    """

    starts: Int64[Tensor, " rows"]
    steps: Int64[Tensor, " rows"]


@runtime_checkable
class Passes(Protocol):
    """How weights and buffers are written."""

    def rewrite(self, weights: Tensor, bases: Tensor, up: Tensor, turned: Tensor) -> None:
        """Write weights := bases + up^T turned.

        Args:
            weights, bases: (n, out, in), apart in memory.
            up: (n, rank, out).
            turned: (n, rank, in).
        """

    def lay(self, buffer: Tensor, pieces: Pieces, rows: Rows, before: Tensor) -> None:
        """Write a style's private ranks: piece i to the row that its rank has behind those of other styles.

        Args:
            buffer: (places, size) of the pool.
            pieces: The style's.
            rows: Where they lie in a pool without other styles.
            before: (2 modules,) ranks of other styles that lie before, for each side.
        """


class TorchPasses:
    """What runs everywhere."""

    def rewrite(self, weights: Tensor, bases: Tensor, up: Tensor, turned: Tensor) -> None:
        """As `Passes`."""
        torch.baddbmm(bases, up.mT, turned, out=weights)

    def lay(self, buffer: Tensor, pieces: Pieces, rows: Rows, before: Tensor) -> None:
        """As `Passes`."""
        starts = rows.starts + before[pieces.side] * rows.steps
        places = starts[pieces.row] + torch.arange(pieces.row.shape[0], device=buffer.device)
        scales = pieces.scales[pieces.row][:, None]
        buffer.index_copy_(0, places, (pieces.numbers * scales).to(buffer.dtype))


def passes_for(device: torch.device, dtype: torch.dtype) -> Passes:
    """The quickest there are for tensors on this device in this precision."""
    if device.type == "cuda" and dtype is not torch.float32 and find_spec("triton"):
        from eigenlorax.runtime.kernels import TritonPasses  # which needs Triton

        return TritonPasses()
    return TorchPasses()
