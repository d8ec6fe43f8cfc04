"""Work that was asked for over HTTP, in the one queue of all work, with an end to how much may wait."""

from math import ceil
from threading import Lock

import anyio.to_thread
from anyio import CapacityLimiter

from eigenlorax.http.faults import NotDoneError, QueueFullError
from eigenlorax.jobs.asked import as_json
from eigenlorax.jobs.drawing import REQUEST, DrawAsked, with_pictures_kept
from eigenlorax.jobs.job import Facts, Job, State
from eigenlorax.jobs.server import JobServer
from eigenlorax.recipe import GenerationRequest
from eigenlorax.studio import Studio

MOST_WAITING = 32
"""Jobs that run or wait, whoever asked for them."""
_BUSY = (State.QUEUED, State.RUNNING)
_USUAL_RETRY_S = 10
_PAUSED_S = 0.5
_LETTERS = 60


class Queue:
    """Puts work into the queue, and waits for it.

    Args:
        studio: Whose data folder keeps the pictures to start from.
        jobs: The queue.
        most: Jobs that may run or wait before more are turned away.
    """

    def __init__(self, studio: Studio, jobs: JobServer, most: int = MOST_WAITING) -> None:
        self.jobs = jobs
        self._root, self._most, self._lock = studio.library.root, most, Lock()
        # Threads of their own: those who wait take none from those who look or stop.
        self._waiting = CapacityLimiter(most)

    def draw(self, request: GenerationRequest, previews: int = 0) -> int:
        """Ask for pictures; returns the job's number.

        Raises:
            QueueFullError: too much waits already.
            InvalidRequestError: the request cannot be drawn.
            NotWrittenError: the disk refused.
        """
        request.check()
        asked = with_pictures_kept(self._root, DrawAsked(request, previews))
        return self.put(REQUEST, asked, request.prompt[:_LETTERS])

    def ask(self, kind: str, asked: object, title: str) -> int:
        """Ask for other work, a dataclass that its worker reads; returns the job's number.

        Raises:
            As `draw`.
        """
        return self.put(kind, as_json(asked), title)

    def put(self, kind: str, asked: Facts, title: str) -> int:
        """The same, of JSON."""
        with self._lock:
            busy = self.busy()
            if len(busy) >= self._most:
                words = f"the queue is full ({len(busy)} jobs run or wait): ask again in a while"
                raise QueueFullError(words, _retry_s(busy))
            return self.jobs.submit(kind, asked, title)

    def busy(self) -> list[Job]:
        """What runs, then what waits in its order."""
        return [job for job in self.jobs.jobs(self._most + 1) if job.state in _BUSY]

    async def over(self, number: int) -> Job:
        """A job once it is over; one that somebody has paused is waited for all the same."""
        while True:
            job = await anyio.to_thread.run_sync(
                self.jobs.wait, number, limiter=self._waiting, abandon_on_cancel=True
            )
            if job.state.over:
                return job
            await anyio.sleep(_PAUSED_S)


def result_of(job: Job) -> Facts | None:
    """What came of a job that is over; None of one that was cancelled.

    Raises:
        NotDoneError: it failed, or the program ended.
    """
    if job.state is State.FAILED:
        raise NotDoneError(job.error)
    if job.state is State.INTERRUPTED:
        raise NotDoneError("the program was closed meanwhile: ask again when it runs")
    return job.result


def _retry_s(busy: list[Job]) -> int:
    """Seconds until the one that runs is done, where that is known."""
    eta = busy[0].eta_s
    return _USUAL_RETRY_S if eta is None else max(1, ceil(eta))
