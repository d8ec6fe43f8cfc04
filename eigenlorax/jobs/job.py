"""What a job is, and what a kind of work gives the server to run."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from PIL import Image

Facts = Mapping[str, Any]
"""JSON: what was asked for, or what came of it."""


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def over(self) -> bool:
        """Whether nothing more happens unless somebody asks for it; a paused job is not over."""
        return self in ENDS


ENDS = (State.DONE, State.FAILED, State.CANCELLED, State.INTERRUPTED)
"""The states of jobs that belong to history."""


class Stop(StrEnum):
    """How a running job was asked to end; it does so at its next event."""

    PAUSE = "pause"
    CANCEL = "cancel"


@dataclass(frozen=True)
class Job:
    """One piece of long work as everybody sees it.

    Attributes:
        id: Counts up from 1; never used twice in one data folder.
        kind: Which worker does it.
        title: For the user.
        asked: What the worker was given.
        state: Where it stands.
        done: Of `total`, in the part of the work that `what` names.
        total: 0 until the first event.
        what: The part of the work that is going on, in words for the user.
        eta_s: Seconds until that part is done, as steps went of late; None while that is not known.
        created: When it was submitted, seconds since 1970.
        started: When it last began to run; None before.
        ended: When it last stopped running, or was cancelled before it ran; None before.
        error: Why it failed, in words for the user; empty otherwise.
        result: What came of it; None unless it is done.
        resumable: Whether it can be paused, and goes on where it was; else it begins anew.
        stopping: What was asked of it while it ran and has not happened yet.
        base: The model that it was submitted with, and waits for.
    """

    id: int
    kind: str
    title: str
    asked: Facts
    state: State
    done: int = 0
    total: int = 0
    what: str = ""
    eta_s: float | None = None
    created: float = 0.0
    started: float | None = None
    ended: float | None = None
    error: str = ""
    result: Facts | None = None
    resumable: bool = False
    stopping: Stop | None = None
    base: str = ""


@dataclass(frozen=True)
class JobPicture:
    """A small picture that a job has shown.

    Attributes:
        label: Names it within its job; a later one of the same label stands in its place.
        path: A JPEG in the data folder.
    """

    label: str
    path: Path


@dataclass(frozen=True)
class Changes:
    """What has changed.

    Attributes:
        now: To be asked from the next time.
        ids: Of jobs that changed, were added or were asked to stop, each once, ascending.
    """

    now: int
    ids: tuple[int, ...]


@dataclass(frozen=True)
class Told:
    """One event of a worker.

    Attributes:
        done: Of `total`.
        total: Of this part of the work.
        what: This part in words.
        points: Curve -> (x, y) to be added to it; a point of an x that is there replaces it.
        pictures: (label, picture); kept small.
    """

    done: int
    total: int
    what: str
    points: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    pictures: tuple[tuple[str, Image.Image], ...] = ()


Work = Generator[Told, None, Facts]
"""Runs when it is drained, and frees what it holds when it is closed; returns the result."""


@dataclass(frozen=True)
class Worker:
    """One kind of work.

    Attributes:
        run: Does what was asked.
        check: Raises a StudioError for what cannot be asked, before it is queued.
        resumable: Whether closing keeps what was done, so that the same request goes on from there.
    """

    run: Callable[[Facts], Work]
    check: Callable[[Facts], object]
    resumable: bool = False
