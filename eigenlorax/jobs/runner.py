"""One job runs: its events are kept, and it ends where it is asked to."""

import time
import traceback
from collections.abc import Callable, Mapping
from threading import Event

from eigenlorax.errors import InvalidRequestError, NotWrittenError, StudioError
from eigenlorax.jobs.job import Facts, Job, State, Stop, Work, Worker
from eigenlorax.jobs.journal import Journal
from eigenlorax.jobs.store import JobStore
from eigenlorax.jobs.traces import Traces

_RETRY_S = 1.0
_STOPPED = {Stop.PAUSE: State.PAUSED, Stop.CANCEL: State.CANCELLED}
_Outcome = tuple[State, str, Facts | None]


class Runner:
    """Runs jobs in the thread that asks it to, one after another.

    Args:
        store: What is known of jobs.
        traces: Their curves and pictures.
        workers: Kind -> who does it.
        base: The model that they work with.
        write_every_s: Seconds between two writes of a job's progress.
        changed: Called after writes.
    """

    def __init__(
        self,
        store: JobStore,
        traces: Traces,
        workers: Mapping[str, Worker],
        base: str,
        write_every_s: float,
        changed: Callable[[], None],
    ) -> None:
        self._store, self._traces, self._workers, self._base = store, traces, workers, base
        self._write_every_s, self._changed = write_every_s, changed
        self.trouble = ""

    def turn(self, closing: Event) -> bool:
        """Run the first job that waits, to its end; False where none does.

        Args:
            closing: Set when the program ends: the job is interrupted at its next event.

        Raises:
            NotWrittenError: the disk refused before the job began.
        """
        self._store.interrupt(time.time())  # one that could not be written down as begun or ended
        number = self._store.first(self._base)
        if number is None or not self._store.begin(number, time.time()):
            return False
        self._changed()
        job = self._store.job(number)
        self._settle(job, self._outcome(job, closing), closing)
        return True

    def _outcome(self, job: Job, closing: Event) -> _Outcome:
        """Whatever happens in a job ends that job and never the queue."""
        try:
            return self._run(job, closing)
        except StudioError as error:
            return State.FAILED, " ".join(str(error).split()), None
        # The one place that catches everything: a fault of the program in one job must neither be lost nor
        # keep the jobs behind it from running. It is told to the user and written down whole.
        except Exception as error:
            return State.FAILED, self._written_down(job, error), None

    def _run(self, job: Job, closing: Event) -> _Outcome:
        if job.kind not in self._workers:
            raise InvalidRequestError(f"this version of the program has no work of the kind {job.kind!r}")
        work = self._workers[job.kind].run(job.asked)
        journal = Journal(self._store, self._traces, job.id, self._write_every_s)
        try:
            return self._watched(job.id, work, journal, closing)
        finally:
            work.close()
            journal.write()

    def _watched(self, number: int, work: Work, journal: Journal, closing: Event) -> _Outcome:
        """To the end of the work, or to the first event after a stop was asked for."""
        while True:
            try:
                event = next(work)
            except StopIteration as end:
                return State.DONE, "", end.value
            if journal.take(event):
                self.trouble = journal.trouble
                self._changed()
            if (stop := self._store.stopping(number)) is not None:
                return _STOPPED[stop], "", None
            if closing.is_set():
                return State.INTERRUPTED, "", None

    def _written_down(self, job: Job, error: Exception) -> str:
        """A fault of the program: the sentence for the user, the rest in a file."""
        name = f"{type(error).__name__}: {error}".split("\n")[0]
        path = self._traces.folder(job.id) / "error.log"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{job}\n\n{''.join(traceback.format_exception(error))}", encoding="utf-8")
        except OSError:
            return f"A fault in the program ended it ({name}); nothing more could be written down."
        return f"A fault in the program ended it ({name}); please report it with the file {path}"

    def _settle(self, job: Job, outcome: _Outcome, closing: Event) -> None:
        """Write down how a job ended: it has, so a disk that refuses is asked until it does not."""
        state, error, result = outcome
        while True:
            try:
                self._store.settle(job.id, state, time.time(), error, result)
            except NotWrittenError as refused:
                self.trouble = str(refused)
                if closing.wait(_RETRY_S):
                    return
            else:
                self.trouble = ""
                self._changed()
                return
