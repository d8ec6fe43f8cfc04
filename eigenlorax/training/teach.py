"""A style learns from a few pictures: coefficients alone, from the best start that the collection gives."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from eigenlorax.events import retold
from eigenlorax.module_path import ModulePath
from eigenlorax.runtime.graph import Recorder
from eigenlorax.runtime.live import StackedUpdate
from eigenlorax.training.crew import ALONE, Crew
from eigenlorax.training.descent import Descended, Pace, Reached, descend
from eigenlorax.training.gradient import Outside, outside_gradient
from eigenlorax.training.predictor import Predictor, Updates
from eigenlorax.training.questions import Questions
from eigenlorax.training.shown import Material
from eigenlorax.training.start import Tried, started, tries
from eigenlorax.training.student import Scales, Student, spread
from eigenlorax.training.teach_settings import TeachSettings

#: From here on the held-out error's rise above its least is called learning by heart.
_LEARNT_BY_HEART = 1.005
#: Batches whose gradients tell where private ranks begin, and draws of their own for them.
_SKETCHED, _APART = 16, 3
#: What a step of private ranks moves a module by, as a share of what a step of its core does.
_GENTLE = 0.5


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
        numbers: How many numbers learnt of what was kept.
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
    crew: Crew = ALONE,
    *,
    prior: Material | None = None,
    recorder: Recorder | None = None,
) -> Generator[TeachingStep, None, Taught]:
    """Teach one style: its coefficients, then private ranks where held-out pictures gain by them.

    Args:
        predictor: The base, injected.
        material: Pictures to learn from, and to measure on.
        donors: The collection's styles in the columns to learn in, stacked: cores alone.
        names: Theirs.
        settings: How.
        reached: Where an earlier call with the same arguments got to.
        crew: Processes that teach together.
        prior: What the bare base draws of the subject, where it is to be preserved.
        recorder: Of CUDA graphs, where all weights stay where they are.

    Yields:
        Progress.

    Source: coefficients of frozen principal components, arXiv:2502.04700, in the linear core form.
    """
    settings.check_ranges()
    questions = Questions(predictor, material, settings, crew, prior)
    first = tries(len(names), settings) + 1
    tale = _Tale(first, first + settings.steps * (2 if settings.ranks else 1))
    start = yield from retold(started(questions, donors, names, settings, crew), tale.of_start)
    scales: Scales = {
        (path, "cores"): spread(update.cores)[:1] for path, update in donors.items() if update.cores.numel()
    }
    half = predictor.pipeline.unet.dtype is torch.float16
    course = _Course(questions, settings, crew, recorder, start.updates, half)
    student = Student(start.updates, scales)
    yield tale.of_begin(questions.held_error(start.updates), start.updates)
    if reached is None or not reached.earlier:
        end = yield from course.run(student, settings.rate, reached, tale)
        reached = None
    else:
        end = replace(reached, best=reached.earlier)
    student.put(end.best)
    if settings.ranks:
        wide, end = yield from course.private(student, scales, end, reached, tale)
        if wide is not None:
            student = wide
            student.put(end.best)
    return Taught(
        _settled(student), start.shares, questions.held_error({}), end.before[0], end.distances[0],
        tuple(tale.losses), tuple(tale.held), sum(z.numel() for z in student.parameters()),
    )  # fmt: skip


class _Tale:
    """Events in the words of `TeachingStep`, and the curve that they tell.

    Args:
        first: Events before the first step.
        total: All.
    """

    def __init__(self, first: int, total: int) -> None:
        self._first, self._total, self._tried = first, total, 0
        self.losses: list[tuple[int, float]] = []
        self.held: list[tuple[int, float]] = []

    def of_start(self, event: Tried) -> TeachingStep:
        self._tried += 1
        return TeachingStep(self._tried, self._total, event.what, event.loss)

    def of_begin(self, held: float, updates: Updates) -> TeachingStep:
        return TeachingStep(self._first, self._total, "the start is found", held=held, updates=updates)

    def of_step(self, event: Descended, student: Student, before: int, begun: int, what: str) -> TeachingStep:
        """Args: before: events of earlier courses at most; begun: their optimiser steps."""
        step = begun + event.step
        self.losses.append((step, event.loss))
        self.held.extend((step, found) for found in event.found)
        held = event.found[0] if event.found else None
        style = None if event.reached is None else _settled(student)
        done = self._first + before + event.step
        return TeachingStep(done, self._total, what, event.loss, held, event.reached, step, style)


@dataclass(frozen=True)
class _Course:
    """How students of this style learn."""

    questions: Questions
    settings: TeachSettings
    crew: Crew
    recorder: Recorder | None
    start: Updates
    half: bool

    def run(
        self, student: Student, rate: float, reached: Reached | None, tale: _Tale
    ) -> Generator[TeachingStep, None, Reached]:
        """One descent, from where it is or got to."""
        settings, parameters = self.settings, student.parameters()
        numbers = sum(z.numel() for z in parameters)

        def penalty() -> Tensor:
            return settings.prior * torch.stack([z.square().sum() for z in parameters]).sum() / numbers

        begun = reached.begun if reached is not None else 0
        further = bool(reached is not None and reached.earlier)
        before, what = (settings.steps, "learning private ranks") if further else (0, "learning")
        going = descend(
            student,
            self.questions.slope(parameters, student.updates, penalty, self.recorder),
            lambda updates: (self.questions.held_error(updates),),
            Pace(settings.steps, rate, settings.check, settings.patience, settings.decay),
            half=self.half, reached=reached, crew=self.crew,
        )  # fmt: skip
        return (yield from retold(going, lambda event: tale.of_step(event, student, before, begun, what)))

    def private(
        self, student: Student, scales: Scales, end: Reached, reached: Reached | None, tale: _Tale
    ) -> Generator[TeachingStep, None, tuple[Student | None, Reached]]:
        """Private ranks beside what a student learnt; the student is None where held-out pictures want none.

        Args:
            student: With its best numbers.
            scales: Of its cores.
            end: Where its course ended.
            reached: Where an earlier call got to with private ranks.
        """
        losses = [
            lambda updates, number=number: self.questions.loss(number, updates, apart=_APART)
            for number in range(1, _SKETCHED + 1)
        ]
        chance = torch.Generator().manual_seed(self.settings.seed)
        outside = outside_gradient(_settled(student), losses, self.settings.ranks, chance, self.crew)
        begun, wider = _beside(self.start, scales, outside)
        wide = Student(begun, wider)
        if reached is None:
            now = (*end.best, *(torch.zeros_like(z) for z in wide.parameters()[len(end.best) :]))
            reached = replace(
                end, step=0, best=now, now=now, moments=(), waited=0, begun=end.step, earlier=end.best
            )
        found = yield from self.run(wide, _GENTLE * self.settings.rate, reached, tale)
        return (wide if any(z.any() for z in found.best[len(end.best) :]) else None), found


def _beside(
    updates: Updates, scales: Scales, outside: Mapping[ModulePath, Outside]
) -> tuple[dict[ModulePath, StackedUpdate], Scales]:
    """Updates with private ranks that do nothing yet: up = 0, down = the gradient's directions.

    One step of Adam moves a core by about the norm of its scales, and `up` by that of its own.
    """
    found, wider = dict(updates), dict(scales)
    for path, update in updates.items():
        down = outside[path].right.mT.contiguous().to(update.cores)
        ranks = down.shape[0]
        if not ranks or (path, "cores") not in scales:
            continue
        up = torch.zeros(update.out.shape[0], ranks).to(update.cores)
        owner = torch.zeros(ranks, dtype=torch.long, device=down.device)
        found[path] = replace(update, up=up, down=down, owner=owner)
        moved = float(scales[path, "cores"].square().sum().sqrt())
        wider[path, "up"] = torch.full_like(up, _GENTLE * moved / max(up.numel(), 1) ** 0.5)
        wider[path, "down"] = torch.full_like(down, _GENTLE / down.shape[1] ** 0.5)
    return found, wider


@torch.no_grad()
def _settled(student: Student) -> Updates:
    return {
        path: replace(update, cores=update.cores.clone(), up=update.up.clone(), down=update.down.clone())
        for path, update in student.updates().items()
    }
