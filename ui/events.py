"""From the studio's generators of events to Gradio's updates, with errors as one line for the user."""

import html
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, TypeVar

import gradio as gr
from gradio.components import Component

from eigenlorax.errors import StudioError

GPU = "gpu"
"""The concurrency id of every event that touches the model: one at a time, whatever the button."""

Updates = Mapping[Component, Any]
Event = TypeVar("Event")
Result = TypeVar("Result")


def drive(
    work: Generator[Event, None, Result],
    show: Callable[[Event], Updates],
    finish: Callable[[Result, float], Updates],
    fail: Callable[[str], Updates],
) -> Iterator[Updates]:
    """Run a generator of the studio as a Gradio event.

    Args:
        work: Closed when this one is closed, so a cancelled event frees the model at once.
        show: An event -> updates.
        finish: The result and the seconds it took -> the last updates.
        fail: The reason, in one line, when the input was at fault -> the last updates.
    """
    started = time.perf_counter()
    try:
        result = yield from _shown(work, show)
        yield finish(result, time.perf_counter() - started)
    except StudioError as error:
        yield fail(warn(error))


def _shown(
    work: Generator[Event, None, Result], show: Callable[[Event], Updates]
) -> Generator[Updates, None, Result]:
    try:
        while True:
            yield show(next(work))
    except StopIteration as end:
        return end.value
    finally:
        work.close()


def warn(error: StudioError) -> str:
    """Tell the user what was wrong in a toast that interrupts nothing; returns its one line."""
    line = " ".join(str(error).split())
    line = line[:1].upper() + line[1:]
    gr.Warning(html.escape(line, quote=False), duration=7)
    return line
