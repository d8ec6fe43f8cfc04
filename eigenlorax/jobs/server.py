"""The one queue of long work: page, command line and API put jobs in and look; one thread runs them."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Condition

from eigenlorax.errors import InvalidRequestError
from eigenlorax.jobs.database import Claim, opened
from eigenlorax.jobs.job import Changes, Facts, Job, JobPicture, State, Worker
from eigenlorax.jobs.runner import Runner
from eigenlorax.jobs.serving import Serving
from eigenlorax.jobs.store import JobStore
from eigenlorax.jobs.traces import Traces

KEPT = 500
"""Jobs of history."""
_LOOK_S = 0.5
_MOST_POINTS = 2000


class JobServer:
    """Jobs of one data folder; every method may be called from any thread.

    Jobs lie in the folder's `jobs.sqlite`, which is the one truth: what a method returns is what is written
    there, up to a fifth of a second old while a job runs. Several processes may open one folder: all of them
    submit, look and stop, and one of them runs the jobs, whoever came first; when it ends, however it ends,
    another takes over within a second. Jobs that a dead process left running are then interrupted.

    Args:
        root: The data folder; made when it is not there.
        workers: Kind -> who does it.
        base: The model that they work with, for the user; jobs submitted with another one wait for that.
        keep: Jobs of history that are kept, the newest.
        write_every_s: Seconds between two writes of a running job's progress.

    Raises:
        NotWrittenError: the disk refused.
        InvalidFileError: the file of jobs cannot be used while another process is at work with it.
    """

    def __init__(
        self,
        root: Path,
        workers: Mapping[str, Worker],
        *,
        base: str = "",
        keep: int = KEPT,
        write_every_s: float = 0.2,
    ) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._workers, self._base = workers, base
        self._claim = Claim(root)
        self._claim.take()
        self._database, self._found = opened(root, self._claim)
        self._store = JobStore(self._database)
        self._traces = Traces(self._database, root)
        self._news = Condition()
        runner = Runner(self._store, self._traces, workers, base, write_every_s, self._tell)
        self._serving = Serving(root, self._claim, self._store, self._traces, runner, keep)

    def __enter__(self) -> "JobServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def notice(self) -> str:
        """What the user should know: of a file that was put aside, of another window, of a full disk."""
        elsewhere = "" if self._claim.held else "Another window of the studio runs the jobs of this folder."
        told = (self._found, elsewhere, self._serving.trouble)
        return " ".join(words for words in told if words)

    def submit(self, kind: str, asked: Facts, title: str) -> int:
        """Put a job at the end of the queue.

        Args:
            kind: Of the work.
            asked: JSON for its worker.
            title: For the user.

        Returns:
            The job's number.

        Raises:
            InvalidRequestError: there is no such kind, or what is asked for cannot be.
            NotWrittenError: the disk refused.
        """
        worker = self._checked(kind, asked)
        number = self._store.add(kind, title, asked, worker.resumable, self._base, time.time())
        self._changed()
        return number

    def replace(self, kind: str, asked: Facts, title: str) -> int:
        """Put a job first in the queue, where only the newest of its kind and page counts.

        An older one of the same kind and page stops at its next event where it runs, and is forgotten where
        it waits or is over: a slider that moves leaves one job and no trail.

        Args:
            kind: Of the work.
            asked: JSON for its worker; its `page` says who asks.
            title: For the user.

        Raises:
            As `submit`.
        """
        worker = self._checked(kind, asked)
        number, gone = self._store.replace(kind, title, asked, worker.resumable, self._base, time.time())
        self._changed()
        for one in gone:
            self._traces.drop(one)
        return number

    def _checked(self, kind: str, asked: Facts) -> Worker:
        if kind not in self._workers:
            known = ", ".join(sorted(self._workers))
            raise InvalidRequestError(f"there is no job of the kind {kind!r}: choose from {known}")
        worker = self._workers[kind]
        worker.check(asked)
        return worker

    def look(self, id: int) -> Job:
        """One job as it is now.

        Raises:
            InvalidRequestError: there is none of that number.
        """
        return self._told(self._store.job(id))

    def jobs(self, limit: int = KEPT) -> list[Job]:
        """What runs, then what waits in its order, then what is paused, then history, newest first."""
        return [self._told(job) for job in self._store.jobs(limit)]

    def changed(self, since: int = 0) -> Changes:
        """Which jobs have changed since an earlier answer's `now`: what a page asks a few times a second."""
        return self._store.changed(since)

    def series(self, id: int, most: int = _MOST_POINTS) -> Mapping[str, list[tuple[float, float]]]:
        """A job's curves by name, points by x, each thinned evenly to about `most`."""
        return self._traces.series(id, most)

    def pictures(self, id: int) -> list[JobPicture]:
        """The small pictures that a job has shown, in order."""
        return self._traces.pictures(id)

    def cancel(self, id: int) -> Job:
        """End a job: at its next event where it runs; one that is over stays as it ended."""
        return self._noted(self._store.cancel(id, time.time()))

    def pause(self, id: int) -> Job:
        """Hold a job: at its next event where it runs; one that is over stays as it ended.

        Raises:
            InvalidRequestError: it runs and could not go on where it was.
        """
        return self._noted(self._store.pause(id, time.time()))

    def resume(self, id: int) -> Job:
        """Let a job that is paused, interrupted, failed or cancelled run, with what was asked then.

        Paused and interrupted ones come first in the queue, the others last.

        Raises:
            InvalidRequestError: it is done.
        """
        return self._noted(self._store.resume(id))

    def move(self, id: int, places: int) -> None:
        """Move a waiting job so many places back in the queue; a negative number brings it forward."""
        self._store.move(id, places)
        self._changed()

    def wait(self, id: int, timeout: float | None = None) -> Job:
        """A job once it is over or paused, or as it is after `timeout` seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        with self._news:
            while (job := self.look(id)).state in (State.QUEUED, State.RUNNING):
                left = _LOOK_S if until is None else min(_LOOK_S, until - time.monotonic())
                if left <= 0:
                    break
                self._news.wait(left)  # other processes cannot tell, so it also looks now and then
        return job

    def follow(self, id: int, every_s: float) -> Iterator[Job]:
        """A job as it is now, then whenever it has changed, until it is over or paused or forgotten.

        Args:
            id: Its number.
            every_s: It is told again after so many seconds without a change, so that whoever listens can
                stop doing so.
        """
        while True:
            change = self._store.change(id)  # before looking: what comes meanwhile is looked at next
            job = self._store.found(id)
            if job is None:
                return
            yield self._told(job)
            if job.state not in (State.QUEUED, State.RUNNING):
                return
            self._await_change(id, change, every_s)

    def _await_change(self, id: int, seen: int, most_s: float) -> None:
        until = time.monotonic() + most_s
        with self._news:
            while self._store.change(id) == seen and (left := until - time.monotonic()) > 0:
                self._news.wait(min(_LOOK_S, left))  # other processes cannot tell, so it also looks

    def close(self, timeout: float = 30.0) -> None:
        """Stop serving; what runs here is interrupted at its next event, what waits stays in the queue.

        Args:
            timeout: Seconds to wait for that event. After it the process can end all the same: the job is
                then found running by whoever serves next, and interrupted.
        """
        if self._serving.close(timeout):
            self._claim.give_back()
            self._database.close()

    def _told(self, job: Job) -> Job:
        if job.state is State.QUEUED and job.base != self._base:
            return replace(job, what=f"waits until the studio is opened with {job.base}")
        return job

    def _noted(self, job: Job) -> Job:
        self._changed()
        return self._told(job)

    def _changed(self) -> None:
        self._serving.wake()
        self._tell()

    def _tell(self) -> None:
        with self._news:
            self._news.notify_all()
