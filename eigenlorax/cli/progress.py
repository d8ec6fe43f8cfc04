"""How far long work has come, as a bar on stderr, so that stdout holds the answer alone."""

from collections.abc import Generator
from contextlib import closing
from typing import Any, Protocol, TypeVar, runtime_checkable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from eigenlorax.events import drain, retold

Result = TypeVar("Result")


@runtime_checkable
class Counted(Protocol):
    """An event that counts; other events are passed over."""

    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...


def watched(label: str, work: Generator[Any, None, Result]) -> Result:
    """Run a generator of events to its end under a bar; gives its result.

    The bar comes with the first event, so that a refusal is one line. An event's `what`, where it has one,
    stands in the label's place. Ctrl-C closes the work, which keeps what it keeps when it is cancelled.
    """
    columns = (TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True))
    task = bar.add_task(label, total=None, start=True)

    def advance(event: Any) -> None:
        if isinstance(event, Counted):
            bar.start()
            bar.update(task, completed=event.done, total=event.total or None)

    with closing(work):
        try:
            return drain(retold(work, advance))
        finally:
            if bar.live.is_started:
                bar.stop()
