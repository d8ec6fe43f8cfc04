"""Long work as a generator of events that gives back a result at its end."""

from collections.abc import Callable, Generator
from typing import TypeVar

Event = TypeVar("Event")
Told = TypeVar("Told")
Result = TypeVar("Result")


def drain(events: Generator[Event, None, Result]) -> Result:
    """Run a generator of events to its end and give back its result."""
    while True:
        try:
            next(events)
        except StopIteration as end:
            result: Result = end.value
            return result


def retold(
    events: Generator[Event, None, Result], tell: Callable[[Event], Told]
) -> Generator[Told, None, Result]:
    """The same work with other events; closing it closes the work, and its result is the work's."""
    try:
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                result: Result = end.value
                return result
            yield tell(event)
    finally:
        events.close()
