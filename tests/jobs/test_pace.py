"""How long the rest takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eigenlorax.jobs.pace import Pace


def _after(events: list[tuple[str, int, int, float]]) -> float | None:
    pace, eta = Pace(), None
    for event in events:
        eta = pace.seen(*event)
    return eta


@given(st.floats(1e-3, 1e3), st.integers(2, 300), st.integers(1, 5))
def test_even_steps_take_as_long_as_they_did(seconds: float, done: int, stride: int) -> None:
    total = done * stride + 17
    events = [("work", n * stride, total, n * stride * seconds) for n in range(1, done + 1)]
    assert _after(events) == pytest.approx(17 * seconds, rel=1e-6)


def test_one_event_tells_nothing_and_what_came_before_it_is_not_counted() -> None:
    assert _after([("work", 1, 10, 500.0)]) is None
    assert _after([("work", 1, 10, 500.0), ("work", 2, 10, 502.0)]) == 16.0
    assert _after([("work", 0, 0, 0.0), ("work", 0, 0, 1.0)]) is None


def test_every_tenth_step_that_takes_longer_is_counted_in() -> None:
    now, events = 0.0, []
    for step in range(1, 101):
        now += 11.0 if step % 10 == 0 else 1.0
        events.append(("work", step, 200, now))
    assert _after(events) == pytest.approx(200.0, rel=0.1)  # a median would say 100


def test_a_slow_start_is_forgotten() -> None:
    events = [("work", n, 1000, 100.0 * n) for n in range(1, 20)]
    events += [("work", n, 1000, 1900.0 + n) for n in range(20, 200)]
    assert _after(events) == pytest.approx(801.0)


def test_another_part_begins_anew() -> None:
    first = [("fit", n, 10, 100.0 * n) for n in range(1, 11)]
    assert _after(first) == 0.0
    assert _after([*first, ("learn", 1, 50, 1001.0)]) is None
    assert _after([*first, ("learn", 1, 50, 1001.0), ("learn", 2, 50, 1002.0)]) == 48.0
    assert _after([*first, ("fit", 1, 10, 1001.0), ("fit", 2, 10, 1002.0)]) == 8.0  # counted back
