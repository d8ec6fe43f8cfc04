"""The numbers of a group of styles while they learn: whitened, so that one learning rate fits them all."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from eigenlorax.module_path import ModulePath
from eigenlorax.runtime.live import StackedUpdate
from eigenlorax.training.predictor import Updates

#: Least scale of a number, as a share of its tensor's root mean square: what is zero must be able to grow.
_FLOOR = 0.1
_SIDES = ("out", "into")
Scales = Mapping[tuple[ModulePath, str], Tensor]


class Whitened:
    """A tensor that learns as start + scale * z from z = 0, where `scale` is what its entries vary by.

    Source: whitening by the spread over donors, so that Adam's steps are shares of a typical entry.
    """

    def __init__(self, start: Tensor, scale: Tensor) -> None:
        self._start, self._scale = start, scale
        self.z = nn.Parameter(torch.zeros_like(start))

    @property
    def value(self) -> Tensor:
        """The tensor as it is now, differentiable in z."""
        return torch.addcmul(self._start, self._scale, self.z)


class Student:
    """Stacked updates that learn.

    Args:
        updates: Where to start.
        scales: (module, name of a tensor of its update) -> what its entries vary by; what is not named stays.
    """

    def __init__(self, updates: Updates, scales: Scales) -> None:
        self._start = dict(updates)
        self._learning = {
            (path, name): Whitened(getattr(updates[path], name), scale)
            for (path, name), scale in scales.items()
        }

    def parameters(self) -> list[nn.Parameter]:
        """Everything that learns, in a fixed order."""
        return [tensor.z for tensor in self._learning.values()]

    def updates(self) -> dict[ModulePath, StackedUpdate]:
        """The updates as they are now, differentiable."""
        values: dict[ModulePath, dict[str, Tensor]] = {path: {} for path in self._start}
        for (path, name), tensor in self._learning.items():
            values[path][name] = tensor.value
        return {path: replace(update, **values[path]) for path, update in self._start.items()}

    def learnt(self) -> list[Tensor]:
        """A copy of what was learnt so far: z of every parameter."""
        return [z.detach().clone() for z in self.parameters()]

    @torch.no_grad()
    def put(self, learnt: Sequence[Tensor]) -> None:
        """Go back, or on, to what `learnt` gave."""
        for z, value in zip(self.parameters(), learnt, strict=True):
            z.copy_(value)

    def taken(
        self, old: Sequence[Tensor], new: Sequence[Tensor], better: Bool[Tensor, " styles"]
    ) -> list[Tensor]:
        """What `learnt` would give if every style took the new numbers where they are better for it.

        Shared columns that learn bind all styles together: they follow the first entry of `better`.
        """
        found = []
        for (path, name), before, after in zip(self._learning, old, new, strict=True):
            owner = self._start[path].owner
            own = better.to(owner.device)[owner]
            mask = {
                "cores": better.view(-1, 1, 1),
                "up": own.view(1, -1),
                "down": own.view(-1, 1),
            }.get(name, better[:1])
            found.append(torch.where(mask.to(before.device), after, before))
        return found


def spreads(updates: Updates, *, bases: bool) -> dict[tuple[ModulePath, str], Tensor]:
    """What learns of styles that have learnt before, with the scale of its entries.

    Args:
        updates: The styles, stacked.
        bases: Whether shared columns learn too: then all styles of the subspace must be in the group.
    """
    return {
        (path, name): scale
        for path, update in updates.items()
        for name, scale in _scales(update, bases=bases).items()
    }


def _scales(update: StackedUpdate, *, bases: bool) -> Mapping[str, Tensor]:
    scales = {}
    if update.cores.numel():
        scales["cores"] = spread(update.cores)
        if bases:
            scales |= {side: _size(getattr(update, side), (0, 1)) for side in _SIDES}
    if update.up.numel():
        scales |= {"up": _size(update.up, (0,)), "down": _size(update.down, (1,))}
    return scales


def spread(cores: Tensor) -> Tensor:
    """(S, k_out, k_in): for each entry its root mean square over styles, at least a tenth of the whole's."""
    whole = cores.square().mean().sqrt().clamp(min=1e-12)
    return cores.square().mean(0).sqrt().clamp(min=_FLOOR * whole).expand_as(cores).contiguous()


def _size(factor: Tensor, across: tuple[int, ...]) -> Tensor:
    """Root mean square of a factor, over the named dimensions."""
    mean = factor.square().mean(across, keepdim=True)
    return mean.sqrt().clamp(min=1e-12).expand_as(factor).contiguous()
