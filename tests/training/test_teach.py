"""Teaching: from the best start, nearer on pictures that are held out, never farther, and resumable."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count

import pytest
import torch
from torch import Tensor

from eigenlorax.errors import InvalidRequestError
from eigenlorax.module_path import Component
from eigenlorax.runtime.live import LiveInjection, StackedUpdate
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.runtime.stacking import stack_layers
from eigenlorax.subspace.augment import donor_driven, orthogonal_to, widened
from eigenlorax.subspace.basis import canonical, empty_basis, project
from eigenlorax.training.predictor import Predictor, Updates
from eigenlorax.training.questions import Questions
from eigenlorax.training.shown import Asked, Captioned, Schedule, Shown, squared_errors
from eigenlorax.training.teach import Taught, TeachingStep, teach
from eigenlorax.training.teach_settings import PRESETS, TeachSettings
from tests import tiny

CPU = torch.device("cpu")
QUICK = TeachSettings(steps=12, rows=2, check=4, mixing=3, blocks=2, rate=0.1, patience=0, prior=0.0)
NAMES = ["a", "b", "c"]


class Lesson:
    """Pictures that are nearly alike: what is learnt of four holds for the two that are held out."""

    def __init__(self, latents: Tensor) -> None:
        self.latents = latents
        self._words = tuple("abcdef"[: len(latents)])

    def batch(self, step: int, rows: int, seed: int) -> Shown:
        chance = torch.Generator().manual_seed(seed * 1009 + step)
        return self._shown(torch.randint(4, (rows,), generator=chance))

    def held_out(self) -> Sequence[Shown]:
        return [self._shown(torch.tensor([4, 5]))]

    def captions(self) -> Iterable[str]:
        return self._words

    def _shown(self, places: Tensor) -> Shown:
        sizes = torch.full((len(places), 6), float(tiny.SIDE))
        return Shown(self.latents[places], tuple(self._words[i] for i in places.tolist()), sizes)


@pytest.fixture(scope="module")
def donors(base: BaseModel) -> Updates:
    """Three relatives' cores in columns that hold them."""
    loras = tiny.relatives(base.layout, NAMES)
    found = {}
    for path, layer in loras[0].layers.items():
        empty = empty_basis(layer.up.shape[0], layer.down.shape[1])
        draw = donor_driven(lambda p: [lora.layers[p] for lora in loras])
        out, into = draw(path, empty, 4, 4)
        basis = widened(empty, (orthogonal_to(empty.out, out, 4), orthogonal_to(empty.into, into, 4)))
        cores = torch.stack([project(canonical(lora.layers[path]), basis) for lora in loras])
        found[path] = StackedUpdate(
            basis.out, basis.into, cores, torch.zeros(basis.out.shape[0], 0),
            torch.zeros(0, basis.into.shape[0]), torch.zeros(0, dtype=torch.long),
        )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def predictor(base: BaseModel) -> Iterator[Predictor]:
    with LiveInjection(base.modules) as live:
        yield Predictor(base.pipeline, live, tiny.SIDE)


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    chance = torch.Generator().manual_seed(2)
    alike = torch.randn(1, 4, 1, 1, generator=chance).expand(6, 4, 8, 8)
    return Lesson(2.0 * alike + 0.1 * torch.randn(6, 4, 8, 8, generator=chance))


def run(
    predictor: Predictor, lesson: Lesson, donors: Updates, settings: TeachSettings, stop: int = 10**9
) -> tuple[Taught | None, list[TeachingStep]]:
    events: list[TeachingStep] = []
    going = teach(predictor, lesson, donors, NAMES, settings)
    while len(events) < stop:
        try:
            events.append(next(going))
        except StopIteration as end:
            return end.value, events
    going.close()
    return None, events


def test_it_comes_nearer_on_what_is_held_out_and_keeps_the_best(
    predictor: Predictor, lesson: Lesson, donors: Updates
) -> None:
    taught, events = run(predictor, lesson, donors, replace(QUICK, mixing=0, blocks=0))
    assert taught is not None
    assert taught.after < taught.before
    assert taught.after == min(error for _, error in taught.held)
    assert [step for step, _ in taught.held] == [4, 8, 12]
    assert taught.numbers == sum(update.cores[0].numel() for update in donors.values())
    done = [event.done for event in events]
    assert done == list(range(1, len(done) + 1))
    assert events[-1].total == done[-1]
    assert float(taught.updates[next(iter(donors))].cores.abs().sum()) > 0.0
    words = Captioned(predictor, [*lesson.captions(), ""])
    question = Schedule.of(predictor.pipeline).ask(
        lesson.held_out()[0], torch.tensor([300, 700]), torch.Generator().manual_seed(9)
    )
    with torch.no_grad():
        answer = squared_errors(predictor, words, question, taught.updates, torch.ones(1, 1))
    assert answer.shape == (2,)


def test_what_does_not_hold_for_others_is_not_kept(
    predictor: Predictor, lesson: Lesson, donors: Updates
) -> None:
    latents = lesson.latents * torch.tensor([1.0, 1.0, 1.0, 1.0, -1.0, -1.0]).view(6, 1, 1, 1)
    taught, _ = run(predictor, Lesson(latents), donors, replace(QUICK, mixing=0, blocks=0, rate=0.5))
    assert taught is not None
    assert taught.after == min(taught.before, *(error for _, error in taught.held)) < taught.held[-1][1]
    assert "by heart" in taught.warning


def test_resumed_is_never_stopped(predictor: Predictor, lesson: Lesson, donors: Updates) -> None:
    whole, events = run(predictor, lesson, donors, QUICK)
    kept = next(event.reached for event in events if event.reached is not None)
    going, again = teach(predictor, lesson, donors, NAMES, QUICK, kept), None
    while again is None:
        try:
            next(going)
        except StopIteration as end:
            again = end.value
    assert whole is not None
    assert (again.before, again.after) == (whole.before, whole.after)
    for path, update in whole.updates.items():
        assert torch.equal(update.cores, again.updates[path].cores)


def test_private_ranks_come_after_the_coefficients_and_stay_where_they_help(
    predictor: Predictor, lesson: Lesson, donors: Updates
) -> None:
    settings = replace(QUICK, ranks=1, mixing=0, blocks=0)
    plain, _ = run(predictor, lesson, donors, replace(settings, ranks=0))
    taught, events = run(predictor, lesson, donors, settings)
    assert plain is not None
    assert taught is not None
    assert [step for step, _ in taught.held] == [4, 8, 12, 16, 20, 24]
    assert taught.held[:3] == plain.held
    assert taught.after < plain.after
    assert all(update.up.shape[1] == 1 for update in taught.updates.values())
    extra = sum(update.up.numel() + update.down.numel() for update in taught.updates.values())
    assert taught.numbers == plain.numbers + extra
    kept = next(event.reached for event in events if event.reached is not None and event.step == 16)
    going, again = teach(predictor, lesson, donors, NAMES, settings, kept), None
    while again is None:
        try:
            next(going)
        except StopIteration as end:
            again = end.value
    assert (again.before, again.after, again.numbers) == (taught.before, taught.after, taught.numbers)
    for path, update in taught.updates.items():
        assert torch.equal(update.up, again.updates[path].up)
        assert torch.equal(update.cores, again.updates[path].cores)


def test_private_ranks_that_do_not_help_leave_no_trace(
    predictor: Predictor, lesson: Lesson, donors: Updates, monkeypatch: pytest.MonkeyPatch
) -> None:
    worse = count(1)
    monkeypatch.setattr(Questions, "held_error", lambda *_: float(next(worse)))
    taught, events = run(
        predictor, lesson, donors, replace(QUICK, ranks=2, mixing=0, blocks=0, steps=2, check=1)
    )
    assert taught is not None
    assert [event.what for event in events if event.step][-1] == "learning private ranks"
    assert taught.numbers == sum(update.cores[0].numel() for update in donors.values())
    assert not any(update.up.numel() for update in taught.updates.values())


def test_what_is_preserved_is_learnt_from_too(predictor: Predictor, lesson: Lesson, donors: Updates) -> None:
    settings = replace(QUICK, steps=4, mixing=0, blocks=0, preserve=1.0)
    other = Lesson(-lesson.latents)
    alone, _ = run(predictor, lesson, donors, settings)
    going, kept = teach(predictor, lesson, donors, NAMES, settings, prior=other), None
    while kept is None:
        try:
            next(going)
        except StopIteration as end:
            kept = end.value
    assert alone is not None
    assert kept.losses[0][1] > alone.losses[0][1]
    assert kept.after != alone.after


def test_accumulated_batches_are_one_large_one(predictor: Predictor, lesson: Lesson, donors: Updates) -> None:
    """The mean over two batches: what one batch's loss is, twice drawn, halved."""
    settings = replace(QUICK, steps=1, check=1, mixing=0, blocks=0)
    two, _ = run(predictor, lesson, donors, replace(settings, accumulate=2))
    first, events = run(predictor, lesson, donors, replace(settings, steps=2, check=2, rate=1e-6))
    assert two is not None
    assert first is not None
    losses = [loss for _, loss in first.losses]
    assert two.losses[0][1] == pytest.approx(sum(losses) / 2, rel=1e-3)
    assert events


def test_text_encoders_learn_where_they_are_told_to(
    base: BaseModel, predictor: Predictor, lesson: Lesson, donors: Updates
) -> None:
    chance = torch.Generator().manual_seed(4)
    words = [
        path
        for path in base.layout
        if path.component is not Component.UNET
        and path.name.endswith("q_proj")
        and path.parameter == "weight"
    ]
    told = {}
    for path in words:
        rows, columns = base.layout[path].matrix
        told[path] = StackedUpdate(
            torch.eye(rows)[:, :4], torch.eye(columns)[:, :4], torch.randn(3, 4, 4, generator=chance),
            torch.zeros(rows, 0), torch.zeros(0, columns), torch.zeros(0, dtype=torch.long),
        )  # fmt: skip
    settings = replace(QUICK, steps=4, texts=True, mixing=0, blocks=0)
    taught, _ = run(predictor, lesson, told, settings)
    assert taught is not None
    assert taught.start == {} or taught.after < taught.base
    assert taught.after < taught.before


def test_every_preset_is_in_range() -> None:
    assert {"style", "character", "object", "quick", "best"} == PRESETS.keys()
    for preset in PRESETS.values():
        preset.check_ranges()


def test_patience_ends_it(predictor: Predictor, lesson: Lesson, donors: Updates) -> None:
    settings = replace(QUICK, rate=9.0, steps=60, check=1, patience=3)
    taught, events = run(predictor, lesson, donors, settings)
    assert taught is not None
    steps = [step for step, error in taught.held if error == taught.after]
    assert events[-1].done < events[-1].total
    assert len(taught.losses) == (steps[-1] if steps else 0) + 3


def test_velocity_and_weights_against_their_formulas() -> None:
    alphas = torch.tensor([0.9, 0.5, 0.1])
    shown = Shown(torch.randn(3, 4, 2, 2), ("", "", ""), torch.zeros(3, 6))
    times, chance = torch.arange(3), torch.Generator().manual_seed(0)
    noise = torch.randn(3, 4, 2, 2, generator=torch.Generator().manual_seed(0))
    asked: Asked = Schedule(alphas, velocity=True).ask(shown, times, chance, gamma=2.0)
    for row, share in enumerate(alphas.tolist()):
        signal, ratio = shown.latents[row], share / (1 - share)
        torch.testing.assert_close(asked.latents[row], share**0.5 * signal + (1 - share) ** 0.5 * noise[row])
        torch.testing.assert_close(asked.target[row], share**0.5 * noise[row] - (1 - share) ** 0.5 * signal)
        assert float(asked.weight[row]) == pytest.approx(min(ratio, 2.0) / (ratio + 1))
    plain = Schedule(alphas, velocity=False).ask(shown, times, torch.Generator().manual_seed(0), gamma=2.0)
    assert torch.equal(plain.target, noise)
    assert plain.weight.tolist() == pytest.approx([2.0 / 9.0, 1.0, 1.0])


def test_settings_out_of_range_are_refused_by_name() -> None:
    for change in ({"steps": 0}, {"rate": 0.0}, {"offset": 2.0}, {"prior": -1.0}):
        with pytest.raises(InvalidRequestError, match=next(iter(change))):
            replace(QUICK, **change).check_ranges()


def test_donors_directions_span_what_they_do(base: BaseModel) -> None:
    loras = tiny.relatives(base.layout, NAMES)
    path, layer = next(iter(loras[0].layers.items()))
    empty = empty_basis(layer.up.shape[0], layer.down.shape[1])
    out, into = donor_driven(lambda p: [lora.layers[p] for lora in loras])(path, empty, 4, 4)
    for lora in loras:
        dense = lora.layers[path].up @ lora.layers[path].down
        torch.testing.assert_close(out @ (out.mT @ dense @ into) @ into.mT, dense, rtol=1e-3, atol=1e-5)
    assert stack_layers([loras[0].layers], CPU)
