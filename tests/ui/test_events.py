"""The one way from a generator of the studio to updates of the page."""

from collections.abc import Generator

import pytest

from eigenlorax.errors import InvalidRequestError
from ui.events import drive


class Work:
    """Counts to three; tells whether it was closed."""

    def __init__(self, fail_after: int | None = None) -> None:
        self.fail_after = fail_after
        self.ended = False

    def run(self) -> Generator[int, None, str]:
        try:
            for number in range(3):
                if number == self.fail_after:
                    raise InvalidRequestError("the prompt is empty:\nwrite one")
                yield number
            return "done"
        finally:
            self.ended = True


def updates_of(work: Work) -> Generator[dict[str, object], None, None]:
    yield from drive(
        work.run(),
        lambda event: {"step": event},
        lambda result, seconds: {"result": result, "timed": seconds >= 0.0},
        lambda reason: {"failed": reason},
    )


def test_events_then_the_result() -> None:
    work = Work()
    assert list(updates_of(work)) == [
        {"step": 0}, {"step": 1}, {"step": 2}, {"result": "done", "timed": True},
    ]  # fmt: skip
    assert work.ended


def test_an_error_of_the_input_is_one_line() -> None:
    work = Work(fail_after=1)
    with pytest.warns(UserWarning, match="The prompt is empty: write one"):
        assert list(updates_of(work)) == [
            {"step": 0}, {"failed": "The prompt is empty: write one"},
        ]  # fmt: skip
    assert work.ended


def test_closing_ends_the_work() -> None:
    work = Work()
    updates = updates_of(work)
    next(updates)
    updates.close()
    assert work.ended
