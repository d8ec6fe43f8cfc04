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

from eigenlorax.errors import refuse_outside
from eigenlorax.events import retold
from eigenlorax.training.descent import Descended, Pace, Reached, descend, eager
from eigenlorax.training.exam import Exam
from eigenlorax.training.lesson import Lesson, draw_lesson
from eigenlorax.training.predictor import Predictor, Question, Updates
from eigenlorax.training.student import Student, spreads

#: Share of rows that are asked without their prompt, as guidance asks half of the time.
_UNPROMPTED = 1 / 6


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
        counts = ("steps", "rows", "pictures", "held_pictures", "check")
        refuse_outside(
            {name: (getattr(self, name), 1, 1_000_000) for name in counts} | {"rate": (self.rate, 1e-6, 1000)}
        )


class Prompts(NamedTuple):
    """One style's prompts: to learn from, and held out."""

    learnt: Sequence[str]
    held: Sequence[str]


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
    reached: Reached | None = None


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
    reached: Reached | None = None,
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
    student = Student(start, spreads(start, bases=bases))
    if reached is not None and reached.step >= settings.steps:
        return _finished(student, reached)
    lesson, held = yield from _drawn(predictor, teacher, prompts, settings, total)
    exam = Exam(predictor, teacher, held, group, _chance(settings.seed, -1))
    going = descend(
        student,
        eager(lambda step: _loss(predictor, teacher, student, lesson, exam, settings, step)),
        exam.distances,
        Pace(settings.steps, settings.rate, settings.check),
        half=predictor.pipeline.unet.dtype is torch.float16,
        together=bases,
        reached=reached,
    )
    told = partial(_learning, total - settings.steps, total)
    return _finished(student, (yield from retold(going, told)))


def _learning(before: int, total: int, event: Descended) -> CalibrationProgress:
    return CalibrationProgress(before + event.step, total, "learning", event.loss, event.reached)


@torch.no_grad()
def _finished(student: Student, reached: Reached) -> Calibrated:
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


def _chance(seed: int, step: int) -> torch.Generator:
    """A generator of its own for each step, so that going on draws what going through would have drawn."""
    return torch.Generator().manual_seed((seed * 1_000_003 + step) % 2**63)
