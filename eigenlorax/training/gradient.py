"""Where the loss wants to go that the shared columns cannot: the projected-out gradient's leading part."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from eigenlorax.module_path import ModulePath
from eigenlorax.runtime.live import StackedUpdate
from eigenlorax.training.crew import ALONE, Crew
from eigenlorax.training.predictor import Updates

#: Further random directions that make the sketch's leading ones near the true ones.
_SPARE = 6
#: Keeps the gradients of a model in fp16 from vanishing; directions do not change with it.
_SCALE = 1024.0
#: Singular values below this share of the largest are rounding.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Outside:
    """The leading part of (I - U U^T) G (I - V V^T): left @ diag(size) @ right^T.

    Attributes:
        left: Orthonormal, orthogonal to U; on the CPU, as the others.
        right: Orthonormal, orthogonal to V.
        size: Singular values, largest first.
    """

    left: Float[Tensor, "out n"]
    right: Float[Tensor, "into n"]
    size: Float[Tensor, " n"]


def outside_gradient(
    start: Updates,
    losses: Iterable[Callable[[Updates], Tensor]],
    count: int,
    generator: torch.Generator,
    crew: Crew = ALONE,
) -> dict[ModulePath, Outside]:
    """The leading directions of each module's gradient outside its columns, without ever forming a gradient.

    Two probes ride beside each module's update and change nothing: up = 0 with a random `down` gathers
    G down^T, a random `up` with down = 0 gathers up^T G. Both sketches, each seen once, give the directions.

    Args:
        start: One style without private ranks; where the gradient is taken.
        losses: Updates -> a loss; their gradients are summed.
        count: Directions per module at most.
        generator: Of the probes.
        crew: Processes with losses of their own, whose gradients are averaged.

    Source: single-pass SVD, Halko, Martinsson, Tropp, "Finding structure with randomness" (2011), 5.5.
    """
    probes = {path: _Probe(update, count + _SPARE, generator) for path, update in start.items()}
    for loss in losses:
        (_SCALE * loss({path: probe.worn for path, probe in probes.items()})).backward()
    crew.mean([gradient for probe in probes.values() for gradient in probe.gradients])
    return {path: probe.found(count) for path, probe in probes.items()}


class _Probe:
    """Of one module.

    Args:
        update: Of one style.
        width: Random directions of the first sketch.
    """

    def __init__(self, update: StackedUpdate, width: int, generator: torch.Generator) -> None:
        self._out, self._into = update.out.cpu().float(), update.into.cpu().float()
        (rows, k_out), (columns, k_in) = self._out.shape, self._into.shape
        narrow = max(min(width, rows - k_out, columns - k_in), 0)
        wide = min(2 * narrow, rows)  # so that the least squares of `found` are well posed
        device = update.cores.device
        down = _outside(torch.randn(columns, narrow, generator=generator), self._into)
        self._random_up = _outside(torch.randn(rows, wide, generator=generator), self._out)
        self._up = torch.zeros(rows, narrow, device=device, requires_grad=True)
        self._down = torch.zeros(wide, columns, device=device, requires_grad=True)
        self._sides = self._random_up.to(device), down.mT.contiguous().to(device)
        self._owner = torch.zeros(narrow + wide, dtype=torch.long, device=device)
        self._update = update

    @property
    def worn(self) -> StackedUpdate:
        """The update, unchanged, with both probes beside it."""
        up, down = self._sides
        return replace(
            self._update, up=torch.cat([self._up, up], 1), down=torch.cat([down, self._down]),
            owner=self._owner,
        )  # fmt: skip

    @property
    def gradients(self) -> tuple[Tensor, Tensor]:
        """G down^T and up^T G; zeros where the loss never met the module."""
        return tuple(  # type: ignore[return-value]
            torch.zeros_like(part) if part.grad is None else part.grad for part in (self._up, self._down)
        )

    def found(self, count: int) -> Outside:
        """B = Q^T G W by least squares from the second sketch: (up^T Q) B = up^T G W."""
        gathered, seen = (gradient.cpu().double() for gradient in self.gradients)
        if not (gathered.numel() and gathered.any() and gathered.isfinite().all() and seen.isfinite().all()):
            empty = self._out.new_zeros
            return Outside(empty(self._out.shape[0], 0), empty(self._into.shape[0], 0), empty(0))
        left = torch.linalg.qr(_outside(gathered, self._out))[0]
        right = torch.linalg.qr(_outside(seen.mT, self._into))[0]
        middle = torch.linalg.lstsq(self._random_up.double().mT @ left, seen @ right).solution
        turned, size, back = torch.linalg.svd(middle, full_matrices=False)
        kept = min(count, int((size > _ROUNDING * size[:1]).sum()))
        return Outside(
            _outside(left @ turned[:, :kept], self._out).float(),
            _outside(right @ back[:kept].mT, self._into).float(),
            size[:kept].float(),
        )


def _outside(columns: Tensor, frame: Tensor) -> Tensor:
    """(I - F F^T) X, twice: what rounding leaves the first time goes with the second."""
    frame = frame.to(columns)
    for _ in range(2):
        columns = columns - frame @ (frame.mT @ columns)
    return columns
