"""Long work on the page: a job is put in the queue and looked at until it is over.

Closing the page, or the handler that looks, stops nothing but the looking; another page looks at the same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from eigenlorax.errors import StudioError
from eigenlorax.jobs.job import Facts, Job, JobPicture, State
from eigenlorax.jobs.server import JobServer
from ui import markup, queue_text
from ui.events import Updates, warn

_BREATH_S = 1.0
"""A handler whose page has gone is closed when it next tells something, so it does so now and then."""
_LIVE = (State.QUEUED, State.RUNNING)


@dataclass(frozen=True)
class Asked:
    """What a form asks for: JSON for the worker of its kind, and what the user calls it."""

    facts: Facts
    title: str


def _nothing(*_: object) -> Updates:
    return {}


@dataclass(frozen=True)
class Show:
    """How one kind of work appears on the page, beside a line about it.

    Attributes:
        done: A job at its end -> updates, the line about it among them.
        during: A job that runs, and the pictures that it has shown -> updates.
    """

    done: Callable[[Job], Updates]
    during: Callable[[Job, Sequence[JobPicture]], Updates] = _nothing


class Viewer:
    """Shows the jobs of one room of the page.

    Args:
        jobs: The queue.
        status: Where the line stands.
        cancel: The room's button; None where the queue's own suffices.
        shows: Kind of work -> how it appears.
        outputs: All else that these change.
    """

    def __init__(
        self,
        jobs: JobServer,
        status: gr.HTML,
        cancel: gr.Button | None,
        shows: Mapping[str, Show],
        outputs: Sequence[Component],
    ) -> None:
        self._jobs, self._status, self._cancel, self._shows = jobs, status, cancel, shows
        self.seen = gr.State(0)
        self.outputs: list[Component] = [
            *outputs, status, *([cancel] if cancel else []), self.seen,
        ]  # fmt: skip

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of work that it shows."""
        return frozenset(self._shows)

    def run(self, kind: str, ask: Callable[[], Asked]) -> Iterator[Updates]:
        """Put a job at the end of the queue, and look at it until it is over.

        Args:
            kind: Of the work.
            ask: Reads the form; what it refuses becomes one line.
        """
        yield from self._asked(ask, lambda asked: self._jobs.submit(kind, asked.facts, asked.title))

    def replace(self, kind: str, ask: Callable[[], Asked]) -> Iterator[Updates]:
        """The same for work of which only the newest of a page counts."""
        yield from self._asked(ask, lambda asked: self._jobs.replace(kind, asked.facts, asked.title))

    def follow(self, seen: int) -> Iterator[Updates]:
        """Look at what was asked for elsewhere: from another page, or from this one before it was loaded.

        Args:
            seen: The newest job that this page has looked at; 0 when it was just loaded. Then it shows the
                newest result first, and says what was interrupted since.
        """
        known = sorted((job for job in self._jobs.jobs() if job.kind in self._shows), key=lambda job: job.id)
        newest = {self.seen: max([seen, *(job.id for job in known)])}
        # Something is told in any case: what a silent handler might change, Gradio empties.
        yield newest if seen else newest | self._newest(known)
        for job in known:
            if job.id > seen and (seen or job.state in _LIVE):
                yield from self.watch(job.id)

    def watch(self, number: int) -> Iterator[Updates]:
        """Look at a job until it is over; one that made room for a newer one ends without a word."""
        shown = None
        for job in self._jobs.follow(number, _BREATH_S):
            shown = job
            if job.state in _LIVE:
                yield self._during(job)
        if shown is not None and not self._made_room(shown):
            yield self._ended(shown)

    def stop(self) -> None:
        """Cancel what runs of this room, else what waits longest."""
        live = [job for job in self._jobs.jobs() if job.kind in self._shows and job.state in _LIVE]
        if live:
            self._jobs.cancel(live[0].id)

    def _asked(self, ask: Callable[[], Asked], put: Callable[[Asked], int]) -> Iterator[Updates]:
        try:
            number = put(ask())
        except StudioError as error:
            yield self._said(warn(error), "bad")
            return
        yield {self.seen: number}
        yield from self.watch(number)

    def _during(self, job: Job) -> Updates:
        words = queue_text.progress(job)
        if job.state is State.QUEUED and not job.what:
            first = next(iter(self._jobs.jobs(1)), None)
            before = first if first and first.state is State.RUNNING else None
            words = queue_text.waiting(queue_text.title(before) if before else "")
        found = {self._status: markup.progress(words, job.done, job.total), **self._button(on=True)}
        return found | dict(self._shows[job.kind].during(job, self._jobs.pictures(job.id)))

    def _ended(self, job: Job) -> Updates:
        if job.state is State.DONE:
            return dict(self._shows[job.kind].done(job)) | self._button(on=False)
        if job.state is State.FAILED:
            return self._said(warn(StudioError(job.error)), "bad")
        told = {State.CANCELLED: queue_text.CANCELLED, State.PAUSED: queue_text.PAUSED}
        return self._said(told.get(job.state) or queue_text.INTERRUPTED.format(queue_text.title(job)))

    def _newest(self, known: Sequence[Job]) -> Updates:
        over = sorted((job for job in known if job.state not in _LIVE), key=lambda job: job.ended or 0.0)
        done = [job for job in over if job.state is State.DONE]
        shown = dict(self._shows[done[-1].kind].done(done[-1])) if done else {}
        interrupted = over and over[-1].state is State.INTERRUPTED
        return shown | self._ended(over[-1]) if interrupted else shown

    def _made_room(self, job: Job) -> bool:
        """Whether a job was cancelled for a newer one of its page."""
        page = job.asked.get("page")
        return job.state is State.CANCELLED and any(
            one.id > job.id and one.kind == job.kind and page and one.asked.get("page") == page
            for one in self._jobs.jobs()
        )

    def _said(self, words: str, tone: str = "") -> Updates:
        return {self._status: markup.line(words, tone), **self._button(on=False)}

    def _button(self, *, on: bool) -> dict[Any, Any]:
        return {self._cancel: gr.update(interactive=on)} if self._cancel else {}
