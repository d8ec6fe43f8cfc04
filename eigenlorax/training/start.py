"""Where a style begins: none of the donors, all alike, one of them, or a mixture that fits the pictures."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from eigenlorax.module_path import Component, ModulePath
from eigenlorax.runtime.live import StackedUpdate
from eigenlorax.training.crew import Crew
from eigenlorax.training.predictor import Updates
from eigenlorax.training.questions import Questions
from eigenlorax.training.teach_settings import TeachSettings

#: How many donors are tried as a start.
TRIED = 6
#: What the shares of a mixture may move by in all, for every donor and for every block of it.
_REACH, _REACH_OF_A_BLOCK = 0.5, 0.25
#: Adam's moments settle within some steps of a dozen.
_APART = 1

Shares = Float[Tensor, "blocks donors"]


@dataclass(frozen=True)
class Tried:
    """One more start was tried, or one more step of a mixture made.

    Attributes:
        what: In words for the user.
        loss: Of the step; None for a start.
    """

    what: str
    loss: float | None = None


@dataclass(frozen=True)
class Start:
    """What the coefficients begin with.

    Attributes:
        updates: One style.
        shares: Donor -> its share, the mean over blocks; those without one are left out.
    """

    updates: Updates
    shares: Mapping[str, float]


def tries(donors: int, settings: TeachSettings) -> int:
    """How many events `started` yields."""
    return 2 + min(donors, TRIED) + settings.mixing + settings.blocks


def started(
    questions: Questions, donors: Updates, names: Sequence[str], settings: TeachSettings, crew: Crew
) -> Generator[Tried, None, Start]:
    """The best start, coarse to fine: one number for a donor, then one for each block of it.

    A finer mixture is taken where it predicts the held-out pictures better than the coarser one. Only donors
    towards which the loss falls fastest from nothing are tried alone.

    Args:
        questions: What decides.
        donors: The collection's styles, stacked.
        names: Theirs.
        settings: How many steps to mix.
        crew: Those who must begin alike.
    """
    blocks = {path: place for place, members in enumerate(_blocks(donors)) for path in members}
    count = len(names)
    device = questions.one.device
    nothing = torch.zeros(1, count, device=device, requires_grad=True)
    questions.first_error(donors, nothing).backward()
    slopes = torch.zeros(count) if nothing.grad is None else nothing.grad[0].cpu()
    single = torch.eye(count)[slopes.argsort()[:TRIED]]
    tried = torch.cat([torch.zeros(1, count), torch.full((1, count), 1.0 / count), single]).to(device)
    errors = []
    for one in tried:
        with torch.no_grad():
            errors.append(float(questions.first_error(donors, one[None])))
        yield Tried("trying starts")
    best = _agreed(tried[errors.index(min(errors))][None], crew)
    best = yield from _fitted(questions, donors, best, {}, settings.mixing, "mixing donors", crew)
    wide = best.expand(1 + max(blocks.values()), -1)
    best = yield from _fitted(questions, donors, wide, blocks, settings.blocks, "mixing by blocks", crew)
    mean = best.mean(0).tolist()
    shares = {name: share for name, share in zip(names, mean, strict=True) if share}
    return Start(mixture(donors, best, blocks), shares)


def mixture(
    donors: Updates, shares: Shares, blocks: Mapping[ModulePath, int]
) -> dict[ModulePath, StackedUpdate]:
    """One style: in every module the donors' cores summed at the shares of its block, or of the first row."""
    found = {}
    for path, update in donors.items():
        cores = torch.einsum("s,soi->oi", shares[blocks.get(path, 0)].to(update.cores), update.cores)[None]
        found[path] = replace(update, cores=cores)
    return found


def _fitted(
    questions: Questions,
    donors: Updates,
    begun: Shares,
    blocks: Mapping[ModulePath, int],
    steps: int,
    what: str,
    crew: Crew,
) -> Generator[Tried, None, Shares]:
    """Shares after some steps of Adam, or those before where the held-out pictures prefer them."""
    if not steps:
        return begun
    shares = begun.clone().requires_grad_()
    optimizer = torch.optim.Adam([shares], lr=(_REACH_OF_A_BLOCK if blocks else _REACH) / steps)
    for step in range(1, steps + 1):
        loss = questions.loss(step, mixture(donors, shares, blocks), apart=_APART)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        told = loss.detach()
        if shares.grad is not None:
            crew.mean([told, shares.grad])
        optimizer.step()
        yield Tried(what, float(told))
    fitted = shares.detach()
    before, after = (questions.held_error(mixture(donors, one, blocks)) for one in (begun, fitted))
    first = crew.agreed([before, after])
    return fitted if first[1] < first[0] else begun


def _agreed(shares: Shares, crew: Crew) -> Shares:
    return torch.tensor(crew.agreed(shares.flatten().tolist())).view(shares.shape).to(shares)


def _blocks(donors: Updates) -> list[list[ModulePath]]:
    """Modules by block of the UNet, such as `down_blocks.1` or `mid_block`, and by text encoder."""
    found: dict[tuple[Component, str], list[ModulePath]] = {}
    for path in donors:
        names = path.name.split(".")
        block = ".".join(names[:1] if names[0] == "mid_block" else names[:2])
        key = path.component, block if path.component is Component.UNET else ""
        found.setdefault(key, []).append(path)
    return list(found.values())
