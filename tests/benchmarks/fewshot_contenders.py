"""Who takes part in the few-shot comparison, and how each of them learns."""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from eigenlorax.runtime.graph import Recorder
from eigenlorax.training.descent import Pace, Reached, descend
from eigenlorax.training.predictor import Updates
from eigenlorax.training.questions import Questions
from eigenlorax.training.shown import Material
from eigenlorax.training.student import Student
from eigenlorax.training.teach import Taught, teach
from eigenlorax.training.teach_settings import TeachSettings
from tests.benchmarks.fewshot_forms import PaperStudent, adapters, cores
from tests.benchmarks.fewshot_ground import Ground

#: AdamW's decoupled decay, as torch and kohya's trainers have it by default.
_USUAL_DECAY = 0.01


@dataclass(frozen=True)
class Contender:
    """One way to teach.

    Attributes:
        name: In tables.
        form: "teach" (ours), "cores" (bare cores, for experiments), "paper" or "lora" (PEFT).
        rates: Learning rates that are tried on the tuning styles, as many for each contender.
        options: Of the form: teach {columns, and TeachSettings' fields}; cores {columns, mean, whiten,
            and TeachSettings' fields}; paper {components, rank, published}; lora {rank}.
    """

    name: str
    form: str
    rates: tuple[float, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    def settings(self, given: TeachSettings) -> TeachSettings:
        """What is given to all, with what this one does otherwise."""
        own = {name: value for name, value in self.options.items() if name in TeachSettings.__annotations__}
        return replace(given, **own)


_LORA_RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
_PAPER_RATES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
CONTENDERS = (
    Contender("ours", "teach", (0.01, 0.02, 0.04, 0.08, 0.16), {"columns": 16}),
    Contender("paper", "paper", _PAPER_RATES, {"components": 16, "rank": 8, "published": False}),
    Contender("paper, its start", "paper", _PAPER_RATES, {"components": 16, "rank": 8, "published": True}),
    *(Contender(f"LoRA r={rank}", "lora", _LORA_RATES, {"rank": rank}) for rank in (4, 8, 32)),
)


def contenders(names: Sequence[str], variants: Path | None) -> list[Contender]:
    """Those of these names, all by default, or those of a file {name: {form, rates, options}}.

    Raises:
        ValueError: nobody has such a name.
    """
    known = {one.name: one for one in CONTENDERS}
    if variants:
        told = json.loads(variants.read_text(encoding="utf-8"))
        known = {
            n: Contender(n, one["form"], tuple(one["rates"]), one.get("options", {}))
            for n, one in told.items()
        }
    if strangers := set(names) - known.keys():
        raise ValueError(f"no contender {', '.join(strangers)}: there are {', '.join(known)}")
    return [known[name] for name in names or known]


@dataclass(frozen=True)
class Point:
    """A measurement.

    Attributes:
        spent: Steps so far; whatever was tried to find the start counts as one each.
        held: Held-out error; None at a start whose error is told at the end.
        updates: What is worn beside the UNet.
    """

    spent: int
    held: float | None
    updates: Updates


@dataclass(frozen=True)
class Learnt:
    """The outcome.

    Attributes:
        updates: What was kept.
        before: Held-out error of the start.
        numbers: How many numbers learnt.
        start: Donor -> share.
    """

    updates: Updates
    before: float
    numbers: int
    start: Mapping[str, float] = field(default_factory=dict)


Learning = Generator[Point, None, Learnt]


@contextmanager
def learning(
    ground: Ground,
    material: Material,
    contender: Contender,
    settings: TeachSettings,
    recorder: Recorder | None = None,
) -> Iterator[Learning]:
    """A contender at work; what was learnt is worn until the block ends.

    Args:
        settings: Of all; the contender's own come on top.
        recorder: Of CUDA graphs; None takes every step anew.

    Raises:
        ValueError: there is no such form.
    """
    options, own = contender.options, contender.settings(settings)
    columns, count = int(options.get("columns", 16)), int(options.get("components", 16))
    usual = replace(own, prior=0.0, decay=_USUAL_DECAY)
    if contender.form == "teach":
        yield _taught(ground, material, ground.stacked(columns), own, recorder)
    elif contender.form == "cores":
        student = cores(ground.stacked(columns), mean=options["mean"], whiten=options["whiten"])
        yield descending(ground, material, student, own, recorder)
    elif contender.form == "paper":
        frames = ground.components(count)
        paper = PaperStudent(frames, options["rank"], published=options["published"], seed=own.seed)
        yield descending(ground, material, paper, usual, recorder)
    elif contender.form == "lora":
        with adapters(ground.base, list(ground.shapes), options["rank"], own.seed) as worn:
            yield descending(ground, material, worn, usual, recorder)
    else:
        raise ValueError(f"no form {contender.form}")


def _taught(
    ground: Ground, material: Material, donors: Updates, settings: TeachSettings, recorder: Recorder | None
) -> Learning:
    names, spent = list(ground.donors), 0
    going = teach(ground.predictor, material, donors, names, settings, recorder=recorder)
    while True:
        try:
            event = next(going)
        except StopIteration as end:
            taught: Taught = end.value
            return Learnt(taught.updates, taught.before, taught.numbers, taught.start)
        spent += 1 if event.held is None or event.step else 0
        if event.updates is not None:
            yield Point(spent, event.held, event.updates)


def descending(
    ground: Ground,
    material: Material,
    student: Student,
    settings: TeachSettings,
    recorder: Recorder | None = None,
) -> Learning:
    """Any student on the same questions, with the same measurements and the same stopping as ours."""
    questions = Questions(ground.predictor, material, settings)
    parameters = student.parameters()
    numbers = sum(z.numel() for z in parameters)
    none = torch.zeros((), device=ground.base.device)

    def penalty() -> Tensor:
        if not settings.prior:
            return none
        return settings.prior * torch.stack([z.square().sum() for z in parameters]).sum() / numbers

    pace = Pace(settings.steps, settings.rate, settings.check, settings.patience, settings.decay)
    slope = questions.slope(parameters, student.updates, penalty, recorder)
    going = descend(student, slope, lambda updates: (questions.held_error(updates),), pace, half=False)
    yield Point(0, None, _still(student))
    while True:
        try:
            event = next(going)
        except StopIteration as end:
            best: Reached = end.value
            break
        if event.reached is not None:
            yield Point(event.step, event.found[0], _still(student))
    student.put(best.best)
    return Learnt(_still(student), best.before[0], numbers)


@torch.no_grad()
def _still(student: Student) -> Updates:
    """As they are now: what autograd remembers of them on this stream would spoil a recording on another."""
    return student.updates()
