"""Styles learn to predict what their LoRAs predict: function is repaired where weights cannot be matched.

Teacher = base + original LoRA, student = base + cores (+ private ranks, + shared columns). Both are asked
about noisy versions of the teacher's own pictures, with and without prompt, and the student learns to give
the same answer. Pictures and captions of the user's are not needed.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import retold
from eigenlorax.training.exam import Exam
from eigenlorax.training.lesson import Lesson, draw_lesson
from eigenlorax.training.predictor import Predictor, Question, Updates
from eigenlorax.training.student import Student

#: Share of rows that are asked without their prompt, as guidance asks half of the time.
_UNPROMPTED = 1 / 6
#: What the loss is multiplied with at first in fp16; torch's own 65,536 wastes the first steps on overflows.
_FIRST_SCALE = 1024.0


@dataclass(frozen=True)
class CalibrationSettings:
    """How long and how fast.

    Attributes:
        steps: Optimiser steps.
        rows: Rows of a batch for each style.
        rate: Adam's learning rate at the start, falling to 0 along a cosine; for whitened numbers it is the
            share of a typical entry that one step moves.
        pictures: Pictures that each teacher draws to learn from.
        held_pictures: Pictures of held-out subjects that distances are measured on.
        check: Steps between two measurements, each of which keeps what is best so far.
        seed: Of everything random.
    """

    steps: int = 300
    rows: int = 4
    rate: float = 0.03
    pictures: int = 16
    held_pictures: int = 4
    check: int = 50
    seed: int = 0

    def check_ranges(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            InvalidRequestError: a number is out of its range; says which.
        """
        for name in ("steps", "rows", "pictures", "held_pictures", "check"):
            if getattr(self, name) < 1:
                raise InvalidRequestError(f"{name} is {getattr(self, name)}: choose at least 1")
        if not self.rate > 0.0:
            raise InvalidRequestError(f"rate is {self.rate}: choose a number above 0")


class Prompts(NamedTuple):
    """One style's prompts: to learn from, and held out."""

    learnt: Sequence[str]
    held: Sequence[str]


@dataclass(frozen=True)
class Calibration:
    """How far a group has come: enough to go on from, with the same outcome bit for bit on a CPU.

    Attributes:
        step: Optimiser steps done.
        distances: Held-out distance to the teacher relative to the bare base's, of the best so far; one per
            style.
        before: The same at the start.
        best: Numbers of the best so far.
        now: Numbers at this step.
        moments: Adam's first and second moments.
    """

    step: int
    distances: tuple[float, ...]
    before: tuple[float, ...]
    best: tuple[Tensor, ...]
    now: tuple[Tensor, ...]
    moments: tuple[Tensor, ...]


@dataclass(frozen=True)
class CalibrationProgress:
    """One more step, or pictures drawn before the first.

    Attributes:
        loss: Mean squared distance to the teacher over that of the bare base; None while drawing.
        reached: State after a measurement, else None.
    """

    done: int
    total: int
    what: str
    loss: float | None = None
    reached: Calibration | None = None


@dataclass(frozen=True)
class Calibrated:
    """The best of before and after for each style.

    Attributes:
        updates: Stacked as the styles began.
        before: Held-out distance to the teacher relative to the bare base's: one per style.
        after: The same of `updates`.
    """

    updates: Updates
    before: tuple[float, ...]
    after: tuple[float, ...]


def calibrate(
    predictor: Predictor,
    teacher: Updates,
    start: Updates,
    prompts: Sequence[Prompts],
    settings: CalibrationSettings,
    *,
    bases: bool = False,
    reached: Calibration | None = None,
) -> Generator[CalibrationProgress, None, Calibrated]:
    """Let a group of styles learn side by side in one batch.

    Args:
        predictor: The base.
        teacher: The original LoRAs, stacked.
        start: The styles, stacked in the same order.
        prompts: One for each style.
        settings: How long and how fast.
        bases: Whether shared columns learn too; the group must then be all styles of the subspace.
        reached: Where an earlier call with the same arguments got to.

    Yields:
        Progress.
    """
    group = len(prompts)
    total = group * (settings.pictures + settings.held_pictures) + settings.steps
    student = Student(start, bases=bases)
    if reached is not None and reached.step >= settings.steps:
        return _finished(student, reached)
    lesson, held = yield from _drawn(predictor, teacher, prompts, settings, total)
    exam = Exam(predictor, teacher, held, group, _chance(settings.seed, -1))
    optimizer = torch.optim.Adam(student.parameters(), lr=settings.rate)
    scaler = torch.amp.GradScaler(
        predictor.pipeline._execution_device.type, enabled=predictor.pipeline.unet.dtype is torch.float16,
        init_scale=_FIRST_SCALE,
    )  # fmt: skip
    if reached is None:
        distances = exam.distances(start)
        best, before, first = student.learnt(), distances, 0
    else:
        best, before, distances, first = list(reached.best), reached.before, reached.distances, reached.step
        student.put(reached.now)
        _restore(optimizer, student, reached)
    for step in range(first + 1, settings.steps + 1):
        for family in optimizer.param_groups:
            family["lr"] = settings.rate * _cosine((step - 1) / settings.steps)
        loss = _loss(predictor, teacher, student, lesson, exam, settings, step)
        optimizer.zero_grad(set_to_none=True)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        state = None
        if step % settings.check == 0 or step == settings.steps:
            now = student.learnt()
            found = exam.distances(student.updates())
            better = _better(distances, found, bases=bases)
            best = student.taken(best, now, better)
            distances = (
                tuple(map(min, found, distances)) if not bases else (found if better[0] else distances)
            )
            moments = tuple(m.clone() for z in student.parameters() for m in _moments(optimizer, z))
            state = reached = Calibration(step, distances, before, tuple(best), tuple(now), moments)
        yield CalibrationProgress(
            total - settings.steps + step, total, "learning", float(loss.detach()), state
        )
    assert reached is not None
    return _finished(student, reached)


@torch.no_grad()
def _finished(student: Student, reached: Calibration) -> Calibrated:
    student.put(reached.best)
    return Calibrated(student.updates(), reached.before, reached.distances)


def _drawn(
    predictor: Predictor,
    teacher: Updates,
    prompts: Sequence[Prompts],
    settings: CalibrationSettings,
    total: int,
) -> Generator[CalibrationProgress, None, tuple[Lesson, Lesson]]:
    """The teachers' own pictures: those to learn from, and those of held-out subjects."""
    lessons: list[Lesson] = []
    done = 0
    for held, count in enumerate((settings.pictures, settings.held_pictures)):
        chance = _chance(settings.seed, -2 - held)
        chosen = []
        for style, words in enumerate(own[held] for own in prompts):
            order = torch.randperm(len(words), generator=chance).tolist()
            chosen += [(style, words[order[place % len(words)]]) for place in range(count)]
        told = partial(_drawing, done, total)
        drawing = draw_lesson(predictor, teacher, chosen, len(prompts), len(prompts) * settings.rows, chance)
        lessons.append((yield from retold(drawing, told)))
        done += len(chosen)
    return lessons[0], lessons[1]


def _drawing(before: int, total: int, now: int) -> CalibrationProgress:
    return CalibrationProgress(before + now, total, "pictures of the originals")


def _loss(
    predictor: Predictor,
    teacher: Updates,
    student: Student,
    lesson: Lesson,
    exam: Exam,
    settings: CalibrationSettings,
    step: int,
) -> Tensor:
    """Mean squared distance to the teacher on one batch, each style relative to the bare base's."""
    question = _question(predictor, lesson, exam.scale.numel(), settings, step)
    with torch.no_grad():
        target = predictor.answer(question, teacher, exam.scale.numel()).float()
    answer = predictor.answer(question, student.updates(), exam.scale.numel()).float()
    scale = exam.scale[question.styles].to(answer)
    return ((answer - target).square().flatten(1).mean(1) / scale).mean()


def _question(
    predictor: Predictor, lesson: Lesson, group: int, settings: CalibrationSettings, step: int
) -> Question:
    """`rows` pictures of each style, each at a timestep from another part of the schedule."""
    chance = _chance(settings.seed, step)
    rows, per = settings.rows, lesson.latents.shape[0] // group
    alphas = predictor.pipeline.scheduler.alphas_cumprod.cpu()
    picks = torch.cat([style * per + torch.randint(per, (rows,), generator=chance) for style in range(group)])
    parts = torch.cat([torch.randperm(rows, generator=chance) for _ in range(group)])
    places = (parts + torch.rand(group * rows, generator=chance)) / rows
    times = (places * len(alphas)).long().clamp(max=len(alphas) - 1)
    unprompted = (torch.rand(group * rows, generator=chance) < _UNPROMPTED).tolist()
    return lesson.asked(picks, times, unprompted, alphas, chance)


def _better(before: Sequence[float], now: Sequence[float], *, bases: bool) -> Tensor:
    """Which styles came nearer to their teachers; all or none where they share what learnt."""
    nearer = torch.tensor(now) < torch.tensor(before)
    return torch.full_like(nearer, sum(now) < sum(before)) if bases else nearer


def _moments(optimizer: torch.optim.Adam, z: Tensor) -> tuple[Tensor, Tensor]:
    """Zeros as long as every step was left out because fp16 overflowed."""
    state = optimizer.state[z]
    return state.get("exp_avg", torch.zeros_like(z)), state.get("exp_avg_sq", torch.zeros_like(z))


def _restore(optimizer: torch.optim.Adam, student: Student, reached: Calibration) -> None:
    pairs = zip(reached.moments[::2], reached.moments[1::2], strict=True)
    for z, (first, second) in zip(student.parameters(), pairs, strict=True):
        optimizer.state[z] = {
            "step": torch.tensor(float(reached.step)),
            "exp_avg": first.clone().to(z),
            "exp_avg_sq": second.clone().to(z),
        }


def _chance(seed: int, step: int) -> torch.Generator:
    """A generator of its own for each step, so that going on draws what going through would have drawn."""
    return torch.Generator().manual_seed((seed * 1_000_003 + step) % 2**63)


def _cosine(share: float) -> float:
    return float(0.5 * (1.0 + torch.cos(torch.tensor(share * torch.pi))))
