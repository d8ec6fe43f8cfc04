"""The thread that runs jobs, in whichever process has the right to."""

import time
from pathlib import Path
from threading import Event, Thread

from eigenlorax.errors import StudioError
from eigenlorax.jobs.database import Claim
from eigenlorax.jobs.drops import sweep_drops
from eigenlorax.jobs.runner import Runner
from eigenlorax.jobs.store import JobStore
from eigenlorax.jobs.traces import Traces

_LOOK_S = 0.5


class Serving:
    """Runs one job at a time for as long as it is not closed.

    Args:
        root: The data folder.
        claim: The right to run its jobs.
        store: What is known of jobs.
        traces: Their curves and pictures.
        runner: Runs one.
        keep: Jobs of history that are kept.
    """

    def __init__(
        self, root: Path, claim: Claim, store: JobStore, traces: Traces, runner: Runner, keep: int
    ) -> None:
        self._root, self._claim, self._store, self._traces = root, claim, store, traces
        self._runner, self._keep = runner, keep
        self._trouble = ""
        self._closing, self._awake = Event(), Event()
        if claim.held:
            self._move_in()
        self._thread = Thread(target=self._serve, name="jobs", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str:
        """What keeps jobs from running or from being written down, or nothing."""
        return self._trouble or self._runner.trouble

    def wake(self) -> None:
        """There may be something to run."""
        self._awake.set()

    def close(self, timeout: float) -> bool:
        """Interrupt what runs and end; says whether it has ended within so many seconds."""
        self._closing.set()
        self._awake.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _serve(self) -> None:
        while not self._closing.is_set():
            self._awake.clear()  # before looking: what comes meanwhile is looked at next
            try:
                ran = self._turn()
                self._trouble = ""
            except StudioError as error:
                ran, self._trouble = False, str(error)
            if not ran:
                self._awake.wait(_LOOK_S)  # other processes submit too, and cannot wake this one

    def _turn(self) -> bool:
        if not self._claim.held:
            if not self._claim.take():
                return False
            self._move_in()
        ran = self._runner.turn(self._closing)
        if ran:
            self._forget()
        return ran

    def _move_in(self) -> None:
        self._store.interrupt(time.time())
        self._forget()
        sweep_drops(self._root, self._store.asked(), time.time())

    def _forget(self) -> None:
        for number in self._store.forget(self._keep):
            self._traces.drop(number)
