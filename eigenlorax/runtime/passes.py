"""The two passes over memory that a switch is made of, as torch does them and, on CUDA, as Triton does.

Torch's own operations pass over the memory two to four times as often.
"""

from importlib.util import find_spec
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


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

    def lay(self, buffer: Tensor, numbers: Tensor, row: Tensor, scales: Tensor, starts: Tensor) -> None:
        """Write buffer[starts[row[i]] + i] := numbers[i] * scales[row[i]] for every piece i.

        Args:
            buffer: (pieces, size).
            numbers: (n, size), int8 or floating.
            row: (n,) int32.
            scales, starts: For each row.
        """


class TorchPasses:
    """What runs everywhere."""

    def rewrite(self, weights: Tensor, bases: Tensor, up: Tensor, turned: Tensor) -> None:
        """As `Passes`."""
        torch.baddbmm(bases, up.mT, turned, out=weights)

    def lay(self, buffer: Tensor, numbers: Tensor, row: Tensor, scales: Tensor, starts: Tensor) -> None:
        """As `Passes`."""
        places = starts[row] + torch.arange(row.shape[0], device=row.device)
        buffer.index_copy_(0, places, (numbers * scales[row][:, None]).to(buffer.dtype))


def passes_for(device: torch.device, dtype: torch.dtype) -> Passes:
    """The quickest there are for tensors on this device in this precision."""
    if device.type == "cuda" and dtype is not torch.float32 and find_spec("triton"):
        from eigenlorax.runtime.kernels import TritonPasses  # which needs Triton

        return TritonPasses()
    return TorchPasses()
