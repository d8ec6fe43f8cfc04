"""Processes that teach one style together: each takes its rows of every step, gradients are averaged.

They hold the same numbers at all times: what they draw depends on the step alone, and where rounding could
part them the first one's figures hold for all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from os import environ

import torch
from torch import Tensor, distributed

from eigenlorax.errors import InvalidRequestError


@dataclass(frozen=True)
class Crew:
    """One process among those that teach together.

    Attributes:
        index: Its number, from 0.
        count: How many there are.
    """

    index: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether it is the one that writes files and tells the user."""
        return self.index == 0

    def share(self, rows: int) -> slice:
        """This process's rows of a step; shares differ by one row at most.

        Raises:
            InvalidRequestError: there are fewer rows than processes.
        """
        if rows < self.count:
            raise InvalidRequestError(
                f"a step of {rows} pictures cannot be shared among {self.count} processes: "
                "give more pictures a step, or start fewer processes"
            )
        return slice(rows * self.index // self.count, rows * (self.index + 1) // self.count)

    def weight(self, rows: int) -> float:
        """What the mean over this process's share counts, so that the crew's mean is that over all rows."""
        mine = self.share(rows)
        return (mine.stop - mine.start) * self.count / rows

    @torch.no_grad()
    def mean(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its mean over the crew, in place.

        Args:
            tensors: On one device, of the same shapes in every process.
        """
        if self.count == 1:
            return
        flat = torch.cat([tensor.detach().float().reshape(-1) for tensor in tensors])
        distributed.all_reduce(flat)
        flat /= self.count
        parts = flat.split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def agreed(self, numbers: Sequence[float], device: torch.device) -> tuple[float, ...]:
        """The first one's numbers, in every process.

        Args:
            numbers: As many in every process.
            device: Where this process computes.
        """
        if self.count == 1:
            return tuple(numbers)
        # Floats are exact in the bytes of float64, which not every device computes in.
        told = torch.tensor(numbers, dtype=torch.float64).view(torch.uint8).to(device)
        distributed.broadcast(told, 0)
        return tuple(told.cpu().view(torch.float64).tolist())


#: The crew of one.
ALONE = Crew()


def enlisted() -> Crew:
    """The crew that `accelerate launch` or `torchrun` started this process into; else the crew of one."""
    if int(environ.get("WORLD_SIZE", "1")) == 1:
        return ALONE
    from accelerate import PartialState  # which joins the processes

    state = PartialState()
    return Crew(state.process_index, state.num_processes)
