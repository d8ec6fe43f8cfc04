"""Calibration brings styles nearer to their LoRAs on what it never saw, never farther, and can be resumed."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import NamedTuple

import pytest
import torch

from eigenlorax.events import drain
from eigenlorax.lora import LoRA
from eigenlorax.runtime.live import LiveInjection
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.runtime.stacking import stack_layers, stack_styles
from eigenlorax.subspace.fit import Fit, Goal, fit
from eigenlorax.subspace.style import Style
from eigenlorax.training import predictor as predictor_room
from eigenlorax.training.calibrate import (
    Calibrated,
    CalibrationProgress,
    CalibrationSettings,
    Prompts,
    calibrate,
)
from eigenlorax.training.descent import Reached
from eigenlorax.training.outcome import learnt_styles, measured
from eigenlorax.training.predictor import Predictor, Question
from eigenlorax.training.student import Student, spreads
from tests import tiny

CPU = torch.device("cpu")
QUICK = CalibrationSettings(steps=8, rows=2, pictures=2, held_pictures=1, check=4, rate=0.05)
PROMPTS = [Prompts(["a", "b c", "d"], ["e", "f"])] * 3


class _Case:
    """Two relatives and a stranger, kept too coarsely."""

    def __init__(self, base: BaseModel, predictor: Predictor) -> None:
        self.loras = tiny.relatives(base.layout, ["a", "b"])
        self.loras.append(tiny.lora(base.layout, "c", 4, 9))
        self.predictor = predictor
        self.fit: Fit = drain(fit(self.loras, {}, base.layout_hash, Goal(retain=0.6)))
        self.styles: list[Style] = list(self.fit.styles({x.name: () for x in self.loras}).values())
        self.teacher = stack_layers([lora.layers for lora in self.loras], CPU)

    def run(
        self, settings: CalibrationSettings, reached: Reached | None = None, *, bases: bool = False
    ) -> tuple[Calibrated, list[CalibrationProgress]]:
        """Calibrate from the fit's own styles."""
        start = stack_styles(self.fit.subspace, self.styles, CPU)
        events = []
        going = calibrate(
            self.predictor, self.teacher, start, PROMPTS, settings, bases=bases, reached=reached
        )
        while True:
            try:
                events.append(next(going))
            except StopIteration as end:
                return end.value, events


class _Whole(NamedTuple):
    """An uninterrupted calibration, with or without bases that learn."""

    bases: bool
    result: Calibrated
    events: list[CalibrationProgress]


@pytest.fixture(scope="module")
def case(base: BaseModel) -> Iterator[_Case]:
    with LiveInjection(base.modules) as live:
        yield _Case(base, Predictor(base.pipeline, live, tiny.SIDE))


@pytest.fixture(scope="module", params=[False, True], ids=["cores", "with bases"])
def whole(case: _Case, request: pytest.FixtureRequest) -> _Whole:
    return _Whole(request.param, *case.run(QUICK, bases=request.param))


def test_it_comes_nearer_on_held_out_prompts_and_noise(whole: _Whole) -> None:
    result, events = whole.result, whole.events
    assert result.after[2] < 0.85 * result.before[2]  # the stranger, whose private ranks have room to move
    assert sum(result.after) < 0.97 * sum(result.before)
    if not whole.bases:  # shared columns that learn may cost one style what the others gain
        assert all(after <= before for before, after in zip(result.before, result.after, strict=True))
    assert all(0.0 < before < 1.5 for before in result.before)
    done = [event.done for event in events]
    assert done == sorted(done)
    assert done[-1] == events[-1].total


def test_a_rate_that_ruins_everything_leaves_the_styles_as_they_were(case: _Case) -> None:
    ruinous = CalibrationSettings(steps=4, rows=1, pictures=2, held_pictures=1, check=2, rate=50.0)
    result, _ = case.run(ruinous)
    assert result.after == result.before
    start = stack_styles(case.fit.subspace, case.styles, CPU)
    for path, update in result.updates.items():
        assert torch.equal(update.cores, start[path].cores)
        assert torch.equal(update.up, start[path].up)


def test_going_on_from_a_measurement_equals_never_having_stopped(case: _Case, whole: _Whole) -> None:
    middle = next(event.reached for event in whole.events if event.reached is not None)
    assert middle.step == 4
    again, later = case.run(QUICK, middle, bases=whole.bases)
    assert sum(event.loss is not None for event in later) == QUICK.steps - 4
    assert again.after == whole.result.after
    for path, update in whole.result.updates.items():
        other = again.updates[path]
        assert all(
            torch.equal(getattr(update, side), getattr(other, side))
            for side in ("out", "into", "cores", "up", "down")
        )


def test_the_styles_that_come_out_answer_as_what_was_learnt(case: _Case, whole: _Whole) -> None:
    result = whole.result
    subspace, styles = learnt_styles(case.fit.subspace, case.styles, result.updates)
    assert (subspace.hash != case.fit.subspace.hash) == whole.bases
    assert {style.subspace for style in styles} == {subspace.hash}
    anew = stack_styles(subspace, styles, CPU)
    for path, update in result.updates.items():
        for place in range(len(styles)):
            assert torch.allclose(_dense(update, place), _dense(anew[path], place), atol=2e-3)
    for basis in subspace.bases.values():
        assert torch.allclose(basis.out.mT @ basis.out, torch.eye(basis.core_shape[0]), atol=1e-5)


def test_the_weight_error_is_measured_against_the_lora_itself(case: _Case, whole: _Whole) -> None:
    result = whole.result
    subspace, styles = learnt_styles(case.fit.subspace, case.styles, result.updates)
    style, lora = styles[2], case.loras[2]
    anew = stack_styles(subspace, styles, CPU)
    wrong = sum(
        float((_dense(anew[path], 2) - layer.up @ layer.down).square().sum())
        if path in anew
        else layer.norm**2
        for path, layer in lora.layers.items()
    )
    total = sum(layer.norm**2 for layer in lora.layers.values())
    found = measured(style, subspace, lora).fidelity
    assert found.weight_error == pytest.approx((wrong / total) ** 0.5, rel=1e-3)
    assert found.weight_error > case.styles[2].fidelity.weight_error  # function, not weights, came nearer


def _dense(update: object, place: int) -> torch.Tensor:
    own = (update.owner == place).float()  # type: ignore[attr-defined]
    shared = update.out @ update.cores[place] @ update.into.mT  # type: ignore[attr-defined]
    return shared + (update.up * own) @ update.down  # type: ignore[attr-defined,no-any-return]


def test_a_lora_without_effect_is_no_ground_to_divide_by_zero(base: BaseModel, case: _Case) -> None:
    other = tiny.lora(base.layout, "y", 2, 1)
    silent = LoRA("silent", {path: layer.scaled(0.0) for path, layer in other.layers.items()})
    fitted = drain(fit([silent, other], {}, base.layout_hash, Goal(retain=0.5)))
    styles = list(fitted.styles({"silent": (), "y": ()}).values())
    teacher = stack_layers([silent.layers, other.layers], CPU)
    start = stack_styles(fitted.subspace, styles, CPU)
    brief = replace(QUICK, steps=2)
    result = drain(calibrate(case.predictor, teacher, start, PROMPTS[:2], brief))
    assert result.after[0] == result.before[0] == 0.0


def test_activations_that_are_computed_again_give_the_same_gradient(
    case: _Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictor_room, "SMALL_SIDE", 0)
    start = stack_styles(case.fit.subspace, case.styles, CPU)
    question = Question(
        torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1)),
        torch.tensor([300, 700]), ("a cat", "a dog"), (False, True), torch.tensor([0, 1]),
    )  # fmt: skip
    found = []
    predictor, unet = case.predictor, case.predictor.pipeline.unet
    for block in (predictor.sparing(), nullcontext()):
        student = Student(start, spreads(start, bases=False))
        with block:
            answer = predictor.answer(question, student.updates(), len(case.styles))
            answer.square().mean().backward()
        found.append([z.grad for z in student.parameters()])
    assert not unet.is_gradient_checkpointing
    for again, kept in zip(*found, strict=True):
        torch.testing.assert_close(again, kept, rtol=1e-4, atol=1e-8)
