"""A sheet of pictures as a job."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import retold
from eigenlorax.jobs.asked import from_json
from eigenlorax.jobs.drawing import GENERATE, REDRAW
from eigenlorax.jobs.job import Facts, Job, State, Told, Work, Worker
from eigenlorax.recipe import GenerationRequest
from eigenlorax.sheets.axes import Axis, AxisKind, axis
from eigenlorax.sheets.draw import SheetProgress, draw_sheet, plan_of
from eigenlorax.sheets.plan import SheetWish
from eigenlorax.studio import Studio

SHEET = "sheet"
_LOOKED_BACK = 12


@dataclass(frozen=True)
class AxisAsked:
    """An axis as a form has it: a value of AxisKind, and what was written."""

    kind: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class SheetAsked:
    """A SheetWish as a form has it.

    Attributes:
        request, add_triggers: See SheetWish.
        columns, rows, within: See SheetWish.
    """

    request: GenerationRequest
    columns: AxisAsked
    rows: AxisAsked | None = None
    within: AxisAsked | None = None
    add_triggers: bool = True


def sheet_wish(asked: SheetAsked) -> SheetWish:
    """What is wished.

    Raises:
        InvalidRequestError: an axis is none, or has a value that is none of its kind.
    """
    rows, within = (_axis(one) if one else None for one in (asked.rows, asked.within))
    return SheetWish(asked.request, _axis(asked.columns), rows, within, asked.add_triggers)


def sheeting(studio: Studio) -> Worker:
    """Draws and saves; the sheet as it grows is the picture "sheet".

    The result: the sheet's `path`, its `cells` by row and column, how many were `drawn` and `kept`.
    """

    def read(facts: Facts) -> SheetWish:
        wish = sheet_wish(from_json(SheetAsked, facts))
        plan_of(studio, wish)
        return wish

    def run(facts: Facts) -> Work:
        made = yield from retold(draw_sheet(studio, read(facts)), _told)
        return {
            "path": str(made.path),
            "cells": [[str(path) for path in row] for row in made.cells],
            "drawn": made.drawn,
            "kept": made.kept,
        }

    return Worker(run, read, resumable=True)


def seconds_for(requests: Sequence[GenerationRequest], jobs: Sequence[Job]) -> float | None:
    """How long drawing takes, as the last pictures went; None while there are none to go by.

    Time is taken to grow with steps and pixels.
    """
    rates = [
        (job.ended - job.started) / work
        for job in jobs
        if job.state is State.DONE and job.ended and job.started and job.ended > job.started
        if (work := _work(job))
    ]
    if not rates:
        return None
    rate = median(rates[:_LOOKED_BACK])
    return rate * sum(one.steps * one.width * one.height for one in requests)


def _work(job: Job) -> float:
    """Steps times pixels; 0 for other jobs than pictures, and where nothing was drawn."""
    request = job.asked.get("request", {})
    if job.kind == SHEET:
        return float(job.total * request["width"] * request["height"]) if (job.result or {})["drawn"] else 0.0
    if job.kind not in (GENERATE, REDRAW) or job.asked.get("glimpse"):
        return 0.0
    return float(request["steps"] * request["width"] * request["height"] * request.get("batch", 1))


def _axis(asked: AxisAsked) -> Axis:
    try:
        kind = AxisKind(asked.kind)
    except ValueError as error:
        kinds = ", ".join(one.value for one in AxisKind)
        raise InvalidRequestError(f"no axis is named {asked.kind!r}: choose from {kinds}") from error
    return axis(kind, asked.values)


def _told(event: SheetProgress) -> Told:
    pictures = (("sheet", event.sheet),) if event.sheet else ()
    return Told(event.done, event.total, event.what, pictures=pictures)
