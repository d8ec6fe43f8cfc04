"""Who takes part in the few-shot comparison, and how each of them learns."""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from eigenlorax.training.asking import Weighing, drawn, error, fixed
from eigenlorax.training.descent import Pace, descend, eager
from eigenlorax.training.predictor import Updates
from eigenlorax.training.shown import Captioned, Material, Schedule, squared_errors
from eigenlorax.training.student import Student
from eigenlorax.training.teach import TeachSettings, teach
from tests.benchmarks.fewshot_forms import PaperStudent, adapters, components, cores
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
        options: Of the form: teach {columns, and TeachSettings' fields}; cores {columns, mean, whiten, decay,
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


_LORA_RATES = (3e-4, 1e-3, 3e-3, 1e-2)
_PAPER_RATES = (3e-3, 1e-2, 3e-2, 1e-1)
CONTENDERS = (
    Contender("ours", "teach", (0.02, 0.05, 0.1, 0.2), {"columns": 16}),
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
        held: Held-out error; None at the start, where it is told at the end.
        updates: What is worn; None where it is told at the end.
    """

    spent: int
    held: float | None
    updates: Updates | None


@dataclass(frozen=True)
class Learnt:
    """The outcome.

    Attributes:
        updates: What was kept.
        began: What it began from, if no point told it.
        before: Held-out error of the start.
        numbers: How many numbers learnt.
        start: Donor -> share.
    """

    updates: Updates
    began: Updates
    before: float
    numbers: int
    start: Mapping[str, float] = field(default_factory=dict)


Learning = Generator[Point, None, Learnt]


@contextmanager
def learning(
    ground: Ground, material: Material, contender: Contender, settings: TeachSettings
) -> Iterator[Learning]:
    """A contender at work; what was learnt is worn until the block ends.

    Raises:
        ValueError: there is no such form.
    """
    options, own = contender.options, contender.settings(settings)
    columns, count = int(options.get("columns", 16)), int(options.get("components", 16))
    if contender.form == "teach":
        yield _taught(ground, material, ground.stacked(columns), own)
    elif contender.form == "cores":
        student = cores(ground.stacked(columns), mean=options["mean"], whiten=options["whiten"])
        yield descending(ground, material, student, own, own.prior, options.get("decay", 0.0))
    elif contender.form == "paper":
        frames = components(ground.donors, count, ground.base.device)
        paper = PaperStudent(frames, options["rank"], published=options["published"], seed=own.seed)
        yield descending(ground, material, paper, own, 0.0, _USUAL_DECAY)
    elif contender.form == "lora":
        with adapters(ground.base, list(ground.shapes), options["rank"], own.seed) as worn:
            yield descending(ground, material, worn, own, 0.0, _USUAL_DECAY)
    else:
        raise ValueError(f"no form {contender.form}")


def _taught(ground: Ground, material: Material, donors: Updates, settings: TeachSettings) -> Learning:
    spent, going = 0, teach(ground.predictor, material, donors, list(ground.donors), settings)
    started = False
    while True:
        try:
            event = next(going)
        except StopIteration as end:
            taught = end.value
            break
        if event.step and not started:
            started = True
            yield Point(spent, None, None)
        spent += 1
        if event.updates is not None:
            yield Point(spent, event.held, event.updates)
    shares = torch.tensor([taught.start.get(name, 0.0) for name in ground.donors])
    began = {}
    for path, update in donors.items():
        mixed = torch.einsum("s,soi->oi", shares.to(update.cores), update.cores)
        began[path] = replace(update, cores=mixed[None])
    return Learnt(taught.updates, began, taught.before, taught.numbers, taught.start)


def descending(
    ground: Ground,
    material: Material,
    student: Student,
    settings: TeachSettings,
    prior: float,
    decay: float,
) -> Learning:
    """Any student on the same questions, with the same measurements and the same stopping as ours."""
    predictor = ground.predictor
    schedule = Schedule.of(predictor.pipeline)
    words = Captioned(predictor, [*material.captions(), ""])
    held = fixed(schedule, material.held_out(), settings.seed)
    weighing = Weighing(settings.gamma, settings.offset, settings.unprompted)
    numbers = sum(z.numel() for z in student.parameters())

    def strengths(updates: Updates) -> Tensor:
        return torch.ones(1, 1 if updates else 0, device=predictor.device)

    def loss_at(step: int) -> Tensor:
        asked, updates = (
            drawn(schedule, material, weighing, step, settings.rows, settings.seed),
            student.updates(),
        )
        errors = squared_errors(predictor, words, asked, updates, strengths(updates))
        data = (asked.weight.to(errors) * errors).mean()
        if not prior:
            return data
        return data + prior * sum(z.square().sum() for z in student.parameters()) / numbers

    def measure(updates: Updates) -> tuple[float, ...]:
        return (error(predictor, words, held, updates, strengths(updates)),)

    pace = Pace(settings.steps, settings.rate, settings.check, settings.patience, decay)
    going = descend(student, eager(loss_at), measure, pace, half=False)
    yield Point(0, None, student.updates())
    while True:
        try:
            event = next(going)
        except StopIteration as end:
            best = end.value
            break
        if event.reached is not None:
            yield Point(event.step, event.found[0], student.updates())
    student.put(best.best)
    return Learnt(student.updates(), {}, best.before[0], numbers)
