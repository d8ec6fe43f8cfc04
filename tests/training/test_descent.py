"""Descending against Adam by hand: decay, gradients that add up, and going on."""

from collections.abc import Callable
from math import cos, pi
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from eigenlorax.events import drain
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.runtime.live import StackedUpdate
from eigenlorax.training.descent import Descended, Pace, Reached, Slope, descend, eager
from eigenlorax.training.predictor import Updates
from eigenlorax.training.student import Student

PATH = ModulePath(Component.UNET, "conv_in", "weight")
PACE = Pace(steps=9, rate=0.1, check=3)


def pupil() -> Student:
    """One core of 2 x 3 with entries of different scales."""
    chance = torch.Generator().manual_seed(0)
    cores, scale = torch.randn(1, 2, 3, generator=chance), torch.rand(1, 2, 3, generator=chance) + 0.1
    none = torch.zeros(0, dtype=torch.long)
    update = StackedUpdate(
        torch.eye(4)[:, :2], torch.eye(5)[:, :3], cores, torch.zeros(4, 0), torch.zeros(0, 5), none
    )
    return Student({PATH: update}, {(PATH, "cores"): scale})


def loss_of(student: Student) -> Callable[[int], Tensor]:
    """The distance to another target in every step."""

    def loss_at(step: int) -> Tensor:
        target = torch.randn(2, 3, generator=torch.Generator().manual_seed(step))
        return (student.updates()[PATH].cores[0] - target).square().mean()

    return loss_at


def measured(updates: Updates) -> tuple[float, ...]:
    return (float(updates[PATH].cores.detach().square().sum()),)


class Going(NamedTuple):
    student: Student
    events: list[Descended]
    reached: Reached


def gone(pace: Pace, reached: Reached | None = None, *, half: bool = False, parts: int = 1) -> Going:
    student = pupil()
    loss_at = loss_of(student)

    def accumulated(step: int, scaler: torch.amp.GradScaler) -> Tensor:
        slope = eager(lambda step: loss_at(step) / parts)
        return torch.stack([slope(step, scaler) for _ in range(parts)]).sum()

    slope: Slope = accumulated if parts > 1 else eager(loss_at)
    events: list[Descended] = []
    going = descend(student, slope, measured, pace, half=half, reached=reached)
    while True:
        try:
            events.append(next(going))
        except StopIteration as end:
            return Going(student, events, end.value)


@pytest.mark.parametrize("decay", [0.0, 0.7])
def test_steps_are_adams_with_decay_apart_from_the_gradient(decay: float) -> None:
    student = pupil()
    loss_at, z = loss_of(student), student.parameters()[0]
    first, second = torch.zeros_like(z), torch.zeros_like(z)
    for step in range(1, PACE.steps + 1):
        rate = PACE.rate * 0.5 * (1 + cos(pi * (step - 1) / PACE.steps))
        (slope,) = torch.autograd.grad(loss_at(step), z)
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope.square()
        move = first / (1 - 0.9**step) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
        with torch.no_grad():
            z.copy_(z - rate * decay * z - rate * move)
    found = gone(Pace(9, 0.1, 3, decay=decay)).reached.now[0]
    torch.testing.assert_close(found, z.detach(), rtol=1e-4, atol=1e-6)


def test_what_no_gradient_reaches_decays_towards_the_start_alone() -> None:
    student = pupil()
    begun = Reached(
        0, (9.0,), (9.0,), (torch.ones(1, 2, 3),), (torch.ones(1, 2, 3),), (torch.zeros(1, 2, 3),) * 2
    )

    def nothing(step: int, scaler: torch.amp.GradScaler) -> Tensor:
        return torch.zeros(())

    reached = drain(
        descend(student, nothing, measured, Pace(1, 0.1, 1, decay=0.5), half=False, reached=begun)
    )
    torch.testing.assert_close(reached.now[0], torch.full((1, 2, 3), 1 - 0.1 * 0.5))


@pytest.mark.parametrize("half", [False, True])
def test_gradients_of_parts_add_up(half: bool) -> None:
    whole, parts = gone(PACE, half=half), gone(PACE, half=half, parts=4)
    torch.testing.assert_close(parts.reached.now[0], whole.reached.now[0])
    assert [event.loss for event in parts.events] == pytest.approx([event.loss for event in whole.events])


def test_gradients_stay_where_they_are() -> None:
    student = pupil()
    loss_at, seen = loss_of(student), set()

    def slope(step: int, scaler: torch.amp.GradScaler) -> Tensor:
        gradient = student.parameters()[0].grad
        assert gradient is not None
        assert not gradient.any()
        seen.add(gradient.data_ptr())
        return eager(loss_at)(step, scaler)

    drain(descend(student, slope, measured, PACE, half=False))
    assert len(seen) == 1


@pytest.mark.parametrize("decay", [0.0, 0.7])
def test_going_on_equals_never_having_stopped(decay: float) -> None:
    pace = Pace(9, 0.1, 3, decay=decay)
    whole = gone(pace)
    middle = whole.events[5].reached
    assert middle is not None
    again = gone(pace, middle)
    assert len(again.events) == 3
    for mine, other in zip(
        again.reached.now + again.reached.moments, whole.reached.now + whole.reached.moments, strict=True
    ):
        assert torch.equal(mine, other)
