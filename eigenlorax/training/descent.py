"""How numbers of styles learn: Adam along a cosine, measured now and then, the best kept, resumable."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from math import cos, pi

import torch
from torch import Tensor

from eigenlorax.training.crew import ALONE, Crew
from eigenlorax.training.predictor import Updates
from eigenlorax.training.student import Student

#: Adds the gradients of a step's scaled loss to those of the parameters; gives the loss, detached.
Slope = Callable[[int, torch.amp.GradScaler], Tensor]
#: What the loss is multiplied with at first in fp16; torch's own 65,536 wastes the first steps on overflows.
_FIRST_SCALE = 1024.0


@dataclass(frozen=True)
class Pace:
    """How long and how fast.

    Attributes:
        steps: Optimiser steps at most.
        rate: Adam's learning rate at the start, falling to 0 along a cosine; for whitened numbers it is the
            share of a typical entry that one step moves.
        check: Steps between two measurements, each of which keeps what is best so far.
        patience: Measurements without a better one after which it ends; 0 goes on to the end.
        decay: Share of the distance to the start that a step at rate 1 takes back, apart from the gradient.

    Source: decoupled weight decay, arXiv:1711.05101; without it, Adam.
    """

    steps: int
    rate: float
    check: int
    patience: int = 0
    decay: float = 0.0


@dataclass(frozen=True)
class Reached:
    """How far a group has come: enough to go on from, with the same outcome bit for bit on a CPU.

    Attributes:
        step: Optimiser steps done.
        distances: What was measured of the best so far; one per style, less is better.
        before: The same at the start.
        best: Numbers of the best so far.
        now: Numbers at this step.
        moments: Adam's first and second moments.
        waited: Measurements since the best.
        begun: Steps of an earlier course that this one goes on from.
        earlier: What that course ended with.
    """

    step: int
    distances: tuple[float, ...]
    before: tuple[float, ...]
    best: tuple[Tensor, ...]
    now: tuple[Tensor, ...]
    moments: tuple[Tensor, ...]
    waited: int = 0
    begun: int = 0
    earlier: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class Descended:
    """One more step.

    Attributes:
        step: Its number, from 1.
        loss: What the step was made on.
        found: What was measured after it, one per style; empty between measurements.
        reached: State after a measurement, else None.
    """

    step: int
    loss: float
    found: tuple[float, ...] = ()
    reached: Reached | None = None


def eager(loss_at: Callable[[int], Tensor]) -> Slope:
    """The slope of a loss that is computed anew at every step.

    Args:
        loss_at: The loss of a step by its number.
    """

    def slope(step: int, scaler: torch.amp.GradScaler) -> Tensor:
        loss = loss_at(step)
        scaler.scale(loss).backward()
        return loss.detach()

    return slope


def descend(
    student: Student,
    slope: Slope,
    measure: Callable[[Updates], tuple[float, ...]],
    pace: Pace,
    *,
    half: bool,
    together: bool = False,
    reached: Reached | None = None,
    crew: Crew = ALONE,
) -> Generator[Descended, None, Reached]:
    """Let a student learn.

    Args:
        student: Changed in place; it ends with the numbers of the last step, not of the best.
        slope: Of a step by its number; it must draw the same each time it is asked for one. It adds to
            gradients that are there, in memory that stays where it is.
        measure: What decides what is best, one per style.
        pace: How long and how fast.
        half: Whether the model computes in fp16, whose gradients need a scale.
        together: Whether what learns binds all styles, so that they are better or not as one.
        reached: Where an earlier call with the same arguments got to.
        crew: Processes that call this alike, each with the slope of its share.

    Yields:
        One event per step.
    """
    parameters = student.parameters()
    optimizer = torch.optim.AdamW(parameters, lr=pace.rate, weight_decay=pace.decay)
    device = parameters[0].device.type
    scaler = torch.amp.GradScaler(device, enabled=half, init_scale=_FIRST_SCALE)
    gradients = [torch.zeros_like(z) for z in parameters]
    for z, gradient in zip(parameters, gradients, strict=True):
        z.grad = gradient
    if reached is None:
        distances = _measured(student, measure, crew)
        reached = Reached(0, distances, distances, tuple(student.learnt()), (), ())
    else:
        student.put(reached.now)
        if reached.moments:
            _restore(optimizer, student, reached)
    for step in range(reached.step + 1, pace.steps + 1):
        if pace.patience and reached.waited >= pace.patience:
            break
        for family in optimizer.param_groups:
            family["lr"] = pace.rate * 0.5 * (1.0 + cos(pi * (step - 1) / pace.steps))
        optimizer.zero_grad(set_to_none=False)
        loss = slope(step, scaler)
        crew.mean([loss, *gradients])
        scaler.step(optimizer)
        scaler.update()
        event = Descended(step, float(loss))
        if step % pace.check == 0 or step == pace.steps:
            found = _measured(student, measure, crew)
            reached = _after(reached, step, student, optimizer, found, together=together)
            event = Descended(step, event.loss, found, reached)
        yield event
    return reached


@torch.no_grad()
def _measured(
    student: Student, measure: Callable[[Updates], tuple[float, ...]], crew: Crew
) -> tuple[float, ...]:
    """What holds for the whole crew; what is worn to measure must not hold on to autograd's nodes."""
    return crew.agreed(measure(student.updates()))


def _after(
    before: Reached,
    step: int,
    student: Student,
    optimizer: torch.optim.Adam,
    found: tuple[float, ...],
    *,
    together: bool,
) -> Reached:
    """The state after a measurement."""
    now, old = student.learnt(), before.distances
    better = torch.tensor(found) < torch.tensor(old)
    if together:
        better = torch.full_like(better, sum(found) < sum(old))
    best = student.taken(before.best, now, better)
    distances = tuple(new if won else kept for new, kept, won in zip(found, old, better, strict=True))
    moments = tuple(m.clone() for z in student.parameters() for m in _moments(optimizer, z))
    waited = 0 if bool(better.any()) else before.waited + 1
    return replace(
        before,
        step=step,
        distances=distances,
        best=tuple(best),
        now=tuple(now),
        moments=moments,
        waited=waited,
    )


def _moments(optimizer: torch.optim.Adam, z: Tensor) -> Sequence[Tensor]:
    """Zeros as long as every step was left out because fp16 overflowed."""
    state = optimizer.state[z]
    return [state.get(name, torch.zeros_like(z)) for name in ("exp_avg", "exp_avg_sq")]


def _restore(optimizer: torch.optim.Adam, student: Student, reached: Reached) -> None:
    pairs = zip(reached.moments[::2], reached.moments[1::2], strict=True)
    for z, (first, second) in zip(student.parameters(), pairs, strict=True):
        optimizer.state[z] = {
            "step": torch.tensor(float(reached.step)),
            "exp_avg": first.clone().to(z),
            "exp_avg_sq": second.clone().to(z),
        }
