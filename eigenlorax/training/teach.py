"""A style learns from a few pictures: coefficients alone, from the best start that the collection gives."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from eigenlorax.errors import refuse_outside
from eigenlorax.events import retold
from eigenlorax.training.descent import Descended, Pace, Reached, descend, eager
from eigenlorax.training.predictor import Predictor, Updates
from eigenlorax.training.shown import Asked, Captioned, Material, Schedule, Shown, squared_errors
from eigenlorax.training.student import Student, spread

#: Timesteps, as shares of the schedule, that pictures are measured at.
_TIMES = (0.08, 0.25, 0.42, 0.58, 0.75, 0.92)
_START_TIMES = (0.2, 0.5, 0.8)
#: From here on the held-out error's rise above its least is called learning by heart.
_LEARNT_BY_HEART = 1.005
#: How many donors are tried as a start.
_TRIED = 6


@dataclass(frozen=True)
class TeachSettings:
    """How a style is taught.

    Attributes:
        steps: Optimiser steps at most.
        rows: Pictures of a step.
        rate: Adam's learning rate on whitened coefficients at the start, falling to 0 along a cosine.
        prior: lambda of the Gaussian prior lambda |z|^2, for each coefficient on average.
        check: Steps between two measurements on held-out pictures.
        patience: Measurements without a better one after which it ends; 0 goes on to the end.
        gamma: min-SNR; 0 counts all timesteps alike.
        offset: Noise offset.
        unprompted: Share of rows that are shown without their caption.
        mixing: Steps that fit a mixture of donors before the coefficients themselves.
        seed: Of everything random.
    """

    steps: int = 150
    rows: int = 4
    rate: float = 0.05
    prior: float = 0.001
    check: int = 10
    patience: int = 5
    gamma: float = 5.0
    offset: float = 0.0
    unprompted: float = 0.1
    mixing: int = 12
    seed: int = 0

    def check_ranges(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            InvalidRequestError: a number is out of its range; says which.
        """
        ranges = {
            "steps": (1, 100_000), "rows": (1, 64), "rate": (1e-6, 10), "prior": (0, 1e3),
            "check": (1, 10_000), "patience": (0, 10_000), "gamma": (0, 1e3), "offset": (0, 1),
            "unprompted": (0, 1), "mixing": (0, 1000),
        }  # fmt: skip
        refuse_outside({name: (getattr(self, name), *limits) for name, limits in ranges.items()})


@dataclass(frozen=True)
class TeachingStep:
    """One more step, or a start that was tried.

    Attributes:
        what: In words for the user.
        loss: Of the step, as it is weighted; None while starts are tried.
        held: Mean squared error on held-out pictures, where it was just measured.
        reached: State after a measurement, else None.
        step: Optimiser steps done; 0 while starts are tried.
        updates: The style as it is at a measurement, else None.
    """

    done: int
    total: int
    what: str
    loss: float | None = None
    held: float | None = None
    reached: Reached | None = None
    step: int = 0
    updates: Updates | None = None


@dataclass(frozen=True)
class Taught:
    """What was learnt.

    Attributes:
        updates: One style.
        start: Donor -> its share in the start; empty when it began from nothing.
        base: Held-out error of the bare base.
        before: That of the start.
        after: That of what was learnt.
        losses: (step, loss) of the training pictures.
        held: (step, error) on the held-out ones.
        numbers: How many coefficients learnt.
    """

    updates: Updates
    start: Mapping[str, float]
    base: float
    before: float
    after: float
    losses: tuple[tuple[int, float], ...]
    held: tuple[tuple[int, float], ...]
    numbers: int

    @property
    def warning(self) -> str:
        """What the user should know of the learning curve, or nothing."""
        if self.after >= self.before:
            return "Nothing better than the start was found: give more pictures, or a lower rate."
        if self.held and self.held[-1][1] > _LEARNT_BY_HEART * self.after:
            best = min(self.held, key=lambda point: point[1])[0]
            return f"After step {best} it began to learn the pictures by heart; what it knew then was kept."
        return ""


def teach(
    predictor: Predictor,
    material: Material,
    donors: Updates,
    names: Sequence[str],
    settings: TeachSettings,
    reached: Reached | None = None,
) -> Generator[TeachingStep, None, Taught]:
    """Teach one style.

    Args:
        predictor: The base, injected.
        material: Pictures to learn from, and to measure on.
        donors: The collection's styles in the columns to learn in, stacked: cores alone.
        names: Theirs.
        settings: How.
        reached: Where an earlier call with the same arguments got to.

    Yields:
        Progress.

    Source: coefficients of frozen principal components, arXiv:2502.04700, in the linear core form.
    """
    settings.check_ranges()
    schedule = Schedule.of(predictor.pipeline)
    words = Captioned(predictor, [*material.captions(), ""])
    held = _fixed(schedule, material.held_out(), settings.seed)
    total = 2 + min(len(names), _TRIED) + settings.mixing + settings.steps
    shares = yield from _started(predictor, material, words, schedule, donors, settings, total)
    start = _mixture(donors, shares)
    learning = [(path, update.cores) for path, update in donors.items() if update.cores.numel()]
    student = Student(start, {(path, "cores"): spread(cores)[:1] for path, cores in learning})
    numbers = sum(z.numel() for z in student.parameters())

    def loss_at(step: int) -> Tensor:
        asked = _drawn(schedule, material, settings, step)
        errors = squared_errors(predictor, words, asked, student.updates(), _one(predictor))
        data = (asked.weight.to(errors) * errors).mean()
        strength = sum(z.square().sum() for z in student.parameters()) / numbers
        return data + settings.prior * strength

    def measure(updates: Updates) -> tuple[float, ...]:
        return (_error(predictor, words, held, updates, _one(predictor)),)

    losses: list[tuple[int, float]] = []
    curve: list[tuple[int, float]] = []

    def tell(event: Descended) -> TeachingStep:
        losses.append((event.step, event.loss))
        curve.extend((event.step, found) for found in event.found)
        found = event.found[0] if event.found else None
        done = total - settings.steps + event.step
        style = None if event.reached is None else _settled(student)
        return TeachingStep(done, total, "learning", event.loss, found, event.reached, event.step, style)

    going = descend(
        student, eager(loss_at), measure,
        Pace(settings.steps, settings.rate, settings.check, settings.patience),
        half=predictor.pipeline.unet.dtype is torch.float16, reached=reached,
    )  # fmt: skip
    best = yield from retold(going, tell)
    student.put(best.best)
    mixed = {name: share for name, share in zip(names, shares.tolist(), strict=True) if share}
    base = _error(predictor, words, held, {}, torch.ones(1, 0))
    found = best.before[0], best.distances[0], tuple(losses), tuple(curve), numbers
    return Taught(_settled(student), mixed, base, *found)


@torch.no_grad()
def _settled(student: Student) -> Updates:
    return {path: replace(update, cores=update.cores.clone()) for path, update in student.updates().items()}


def _started(
    predictor: Predictor,
    material: Material,
    words: Captioned,
    schedule: Schedule,
    donors: Updates,
    settings: TeachSettings,
    total: int,
) -> Generator[TeachingStep, None, Float[Tensor, " donors"]]:
    """The donors' shares that predict the training pictures best: none, all alike, one, or a mixture.

    Only donors towards which the loss falls fastest from nothing are tried.
    """
    count = next(iter(donors.values())).cores.shape[0]
    apart = replace(settings, seed=settings.seed + 1)
    asked = _fixed(schedule, [material.batch(0, apart.rows, apart.seed)], apart.seed, _START_TIMES)
    nothing = torch.zeros(1, count, device=predictor.device, requires_grad=True)
    for question in asked:
        squared_errors(predictor, words, question, donors, nothing).mean().backward()
    slopes = nothing.grad[0].cpu() if nothing.grad is not None else torch.zeros(count)
    single = torch.eye(count)[slopes.argsort()[:_TRIED]]
    tried = torch.cat([torch.zeros(1, count), torch.full((1, count), 1.0 / count), single])
    errors = []
    for done, shares in enumerate(tried, start=1):
        errors.append(_error(predictor, words, asked, donors, shares[None].to(predictor.device)))
        yield TeachingStep(done, total, "trying starts")
    best, least = tried[errors.index(min(errors))], min(errors)
    mixed = best.clone().to(predictor.device).requires_grad_()
    optimizer = torch.optim.Adam([mixed], lr=0.5 / max(1, settings.mixing))
    for step in range(1, settings.mixing + 1):
        question = _drawn(schedule, material, apart, step)
        loss = (
            question.weight.to(mixed) * squared_errors(predictor, words, question, donors, mixed[None])
        ).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        yield TeachingStep(len(tried) + step, total, "mixing donors", float(loss.detach()))
    fitted = mixed.detach()
    if settings.mixing and _error(predictor, words, asked, donors, fitted[None]) < least:
        return fitted.cpu()
    return best


def _mixture(donors: Updates, shares: Tensor) -> Updates:
    """One style, the donors' cores summed at their shares."""
    found = {}
    for path, update in donors.items():
        cores = torch.einsum("s,soi->oi", shares.to(update.cores), update.cores)[None]
        found[path] = replace(update, cores=cores)
    return found


def _drawn(schedule: Schedule, material: Material, settings: TeachSettings, step: int) -> Asked:
    """What a step learns from; timesteps are spread over the schedule."""
    chance = torch.Generator().manual_seed((settings.seed * 1_000_003 + step) % 2**63)
    shown = material.batch(step, settings.rows, settings.seed)
    rows = len(shown.captions)
    places = (torch.randperm(rows, generator=chance) + torch.rand(rows, generator=chance)) / rows
    times = (places * len(schedule.alphas)).long().clamp(max=len(schedule.alphas) - 1)
    bare = (torch.rand(rows, generator=chance) < settings.unprompted).tolist()
    captions = tuple("" if without else told for told, without in zip(shown.captions, bare, strict=True))
    shown = replace(shown, captions=captions)
    return schedule.ask(shown, times, chance, gamma=settings.gamma, offset=settings.offset)


def _fixed(
    schedule: Schedule, shown: Sequence[Shown], seed: int, shares: Sequence[float] = _TIMES
) -> list[Asked]:
    """Questions that stay the same: every picture at each of these shares of the schedule."""
    chance, found = torch.Generator().manual_seed(seed), []
    for part in shown:
        for time in shares:
            times = torch.full((len(part.captions),), int(time * len(schedule.alphas)))
            found.append(schedule.ask(part, times, chance))
    return found


@torch.no_grad()
def _error(
    predictor: Predictor, words: Captioned, asked: Sequence[Asked], updates: Updates, weights: Tensor
) -> float:
    """Mean squared error over all rows, each alike."""
    rows = [squared_errors(predictor, words, one, updates, weights).double().cpu() for one in asked]
    return float(torch.cat(rows).mean())


def _one(predictor: Predictor) -> Tensor:
    return torch.ones(1, 1, device=predictor.device)
