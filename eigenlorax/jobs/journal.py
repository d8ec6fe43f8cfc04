"""What a running job tells, written down a few times a second."""

import time
from math import isfinite

from eigenlorax.errors import NotWrittenError
from eigenlorax.jobs.job import Told
from eigenlorax.jobs.pace import Pace
from eigenlorax.jobs.store import JobStore
from eigenlorax.jobs.traces import Traces


class Journal:
    """Takes the events of one job.

    Args:
        store: What is known of jobs.
        traces: Their curves and pictures.
        number: The job's.
        every_s: Seconds between two writes, so that quick steps stay quick; pictures are written at once.
    """

    def __init__(self, store: JobStore, traces: Traces, number: int, every_s: float) -> None:
        self._store, self._traces, self._number, self._every_s = store, traces, number, every_s
        self._pace = Pace()
        self._last: tuple[Told, float | None] | None = None
        self._points: list[tuple[str, float, float]] = []
        self._written = float("-inf")
        self.trouble = ""

    def take(self, event: Told) -> bool:
        """Take an event in; says whether something was written."""
        now = time.monotonic()
        self._last = event, self._pace.seen(event.what, event.done, event.total, now)
        # A loss that is no number leaves a gap in its curve.
        points = [(curve, x, y) for curve, (x, y) in event.points.items()]
        self._points += [point for point in points if isfinite(point[1]) and isfinite(point[2])]
        if not event.pictures and now - self._written < self._every_s:
            return False
        self._written = now
        self.write(event)
        return True

    def write(self, event: Told | None = None) -> None:
        """Write what has not been written yet; a disk that refuses is no reason to lose the work itself."""
        if self._last is None:
            return
        told, eta_s = self._last
        try:
            for label, picture in event.pictures if event else ():
                self._traces.keep(self._number, label, picture)
            self._store.progress(self._number, told, eta_s, self._points)
        except NotWrittenError as error:
            self.trouble = str(error)
        else:
            self._points.clear()
            self.trouble = ""
