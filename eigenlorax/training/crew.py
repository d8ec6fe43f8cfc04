"""Processes that teach one style together: each takes its rows of every step, gradients are averaged.

They hold the same numbers at all times: what they draw depends on the step alone, and where rounding could
part them the first one's figures hold for all.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from os import environ

import torch
from torch import Tensor, distributed

from eigenlorax.errors import InvalidRequestError
from eigenlorax.runtime.hardware import detect

_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Crew:
    """One process among those that teach together.

    Attributes:
        index: Its number, from 0.
        count: How many there are.
        device: Where it computes.
    """

    index: int = 0
    count: int = 1
    device: torch.device = _CPU

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

    def agreed(self, numbers: Sequence[float]) -> tuple[float, ...]:
        """The first one's numbers, in every process.

        Args:
            numbers: As many in every process.
        """
        if self.count == 1:
            return tuple(numbers)
        return tuple(self._firsts(torch.tensor(numbers, dtype=torch.float64)).tolist())

    def same(self, what: str, told: str) -> None:
        """Refuse to go on with what differs between processes.

        Args:
            what: For the user to read.
            told: What must be the same, or its hash.

        Raises:
            InvalidRequestError: it is not.
        """
        if self.count == 1:
            return
        mine = torch.tensor(list(sha256(told.encode()).digest()), dtype=torch.uint8)
        if not torch.equal(self._firsts(mine), mine):
            raise InvalidRequestError(
                f"process {self.index + 1} of {self.count} has another {what} than the first one: "
                "give all the same files, versions and kind of machine"
            )

    def _firsts(self, mine: Tensor) -> Tensor:
        """The first one's tensor of the same length, as bytes: not every device computes in float64."""
        told = mine.view(torch.uint8).to(self.device, copy=True)
        distributed.broadcast(told, 0)
        return told.cpu().view(mine.dtype)


#: The crew of one.
ALONE = Crew()


@contextmanager
def enlisted() -> Iterator[Crew]:
    """The crew that `accelerate launch --multi_gpu` or `torchrun` started this process into, or `ALONE`.

    To be entered before a model is loaded, since every process takes a device of its own.

    Raises:
        InvalidRequestError: `accelerate launch` was told to start several processes, and started one.
    """
    if int(environ.get("WORLD_SIZE", "1")) == 1:
        if environ.get("ACCELERATE_USE_CPU") == "True" and "MASTER_PORT" in environ:
            raise InvalidRequestError(
                "`accelerate launch --cpu` starts one process, however many it is told to: "
                "put --multi_gpu in place of --cpu, which starts them on CPUs too"
            )
        yield ALONE
        return
    from accelerate import PartialState  # slow to import, and needed here alone

    state = PartialState(cpu=detect().device.type != "cuda")
    try:
        yield Crew(state.process_index, state.num_processes, state.device)
    finally:
        state.destroy_process_group()
