"""Whatever is asked in whatever order, and wherever the process dies: the store holds what a simple model says.

Jobs run in this thread, so that every event has its place; while one runs, the same things may be asked.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from eigenlorax.errors import InvalidRequestError
from eigenlorax.jobs.database import FILE_NAME, Database
from eigenlorax.jobs.job import State, Stop, Told, Work, Worker
from eigenlorax.jobs.runner import Runner
from eigenlorax.jobs.store import JobStore
from eigenlorax.jobs.traces import Traces

KEEP = 4
ASKED = st.sampled_from(["cancel", "pause", "resume", "nothing"])


class Killed(BaseException):
    """The process dies here: nothing that catches exceptions may catch it."""


@dataclass
class Expected:
    state: State
    resumable: bool
    stopping: Stop | None = None


class Jobs(RuleBasedStateMachine):
    numbers = Bundle("numbers")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.model: dict[int, Expected] = {}
        self.queue: list[int] = []
        self.ended: list[int] = []
        self.script: list[tuple[str, int]] = []
        self.ending: Callable[[], object] = dict
        self.now = 0.0
        self._open()

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.database.close()
            self.folder.cleanup()

    def _open(self) -> None:
        root = Path(self.folder.name)
        self.database = Database(root / FILE_NAME)
        self.store, traces = JobStore(self.database), Traces(self.database, root)
        workers = {kind: Worker(self._work, lambda _: None, kind == "on") for kind in ("on", "anew")}
        self.runner = Runner(self.store, traces, workers, "base", 0.0, lambda: None)

    def _work(self, _: object) -> Work:
        for step, (what, number) in enumerate(self.script, start=1):
            self._ask(what, number)
            yield Told(step, len(self.script), "working", {"train": (float(step), 0.0)})
        self.ending()
        return {}

    def _tick(self) -> float:
        self.now += 1.0
        return self.now

    def _end(self, number: int, state: State) -> None:
        self.model[number].state, self.model[number].stopping = state, None
        self.ended.append(number)

    @rule(target=numbers, resumable=st.booleans())
    def submit(self, resumable: bool) -> int:
        number = self.store.add("on" if resumable else "anew", "job", {}, resumable, "base", self._tick())
        self.model[number] = Expected(State.QUEUED, resumable)
        self.queue.append(number)
        return number

    @rule(what=ASKED, number=numbers)
    def ask(self, what: str, number: int) -> None:
        self._ask(what, number)

    def _ask(self, what: str, number: int) -> None:
        """Ask the store and the model for the same."""
        job = self.model.get(number)
        if job is None or what == "nothing":
            return
        now = self._tick()
        if what == "cancel":
            self.store.cancel(number, now)
            if job.state is State.RUNNING:
                job.stopping = Stop.CANCEL
            elif job.state in (State.QUEUED, State.PAUSED, State.INTERRUPTED):
                self._unqueue(number)
                self._end(number, State.CANCELLED)
        elif what == "pause":
            refused = job.state is State.RUNNING and not job.resumable
            assert self._refused(lambda: self.store.pause(number, now)) == refused
            if job.state is State.RUNNING and not refused:
                job.stopping = job.stopping or Stop.PAUSE
            elif job.state is State.QUEUED:
                self._unqueue(number)
                job.state = State.PAUSED
        else:
            assert self._refused(lambda: self.store.resume(number)) == (job.state is State.DONE)
            if job.stopping is Stop.PAUSE:
                job.stopping = None
            elif job.state in (State.PAUSED, State.INTERRUPTED, State.FAILED, State.CANCELLED):
                place = 0 if job.state in (State.PAUSED, State.INTERRUPTED) else len(self.queue)
                self._unqueue(number)
                job.state = State.QUEUED
                self.queue.insert(place, number)

    def _unqueue(self, number: int) -> None:
        self.queue = [one for one in self.queue if one != number]
        self.ended = [one for one in self.ended if one != number]

    def _refused(self, ask: Callable[[], object]) -> bool:
        try:
            ask()
        except InvalidRequestError:
            return True
        return False

    @rule(number=numbers, places=st.integers(-3, 3))
    def move(self, number: int, places: int) -> None:
        if number not in self.model:
            return
        self.store.move(number, places)
        if number in self.queue:
            place = self.queue.index(number)
            self.queue.remove(number)
            self.queue.insert(max(0, min(len(self.queue), place + places)), number)

    @rule(
        asked=st.lists(st.tuples(ASKED, st.one_of(st.none(), numbers)), max_size=4),
        ending=st.sampled_from(["done", "refused", "fault", "killed", "closing"]),
    )
    def run(self, asked: list[tuple[str, int | None]], ending: str) -> None:
        """The first job runs; at its events the jobs that are named, by default itself, are asked for things."""
        number = self.queue.pop(0) if self.queue else None
        self.script = [(what, number if other is None else other) for what, other in asked]

        def fail(error: type[BaseException]) -> None:
            raise error("so it ends")

        closing = Event()
        if ending == "closing":
            closing.set()
        ends = {"refused": InvalidRequestError, "fault": ZeroDivisionError, "killed": Killed}
        self.ending = (lambda: fail(ends[ending])) if ending in ends else dict
        if number is not None:
            self.model[number].state = State.RUNNING
        try:
            assert self.runner.turn(closing) == (number is not None)
        except Killed:
            self.database.close()
            self._open()
            self.store.interrupt(self._tick())
        if number is None:
            return
        stopping = self.model[number].stopping
        if stopping is Stop.PAUSE:
            self.model[number].state, self.model[number].stopping = State.PAUSED, None
        elif stopping is Stop.CANCEL:
            self._end(number, State.CANCELLED)
        elif ending == "closing" and asked:
            self._end(number, State.INTERRUPTED)
        else:
            ends_as = {"refused": State.FAILED, "fault": State.FAILED, "killed": State.INTERRUPTED}
            self._end(number, ends_as.get(ending, State.DONE))

    @rule()
    def forget(self) -> None:
        dropped = self.store.forget(KEEP)
        assert len(dropped) == max(0, len(self.ended) - KEEP)
        for number in dropped:
            assert self.model.pop(number).state.over
            self.ended.remove(number)

    @invariant()
    def the_store_holds_what_the_model_says(self) -> None:
        found = self.store.jobs(1000)
        told = {job.id: Expected(job.state, job.resumable, job.stopping) for job in found}
        assert told == self.model
        assert [job.id for job in found if job.state is State.QUEUED] == self.queue
        assert self.store.first("base") == (self.queue[0] if self.queue else None)
        assert {job.id for job in found if job.state.over} == set(self.ended)
        for job in found:
            assert (job.result is not None) == (job.state is State.DONE)
            assert bool(job.error) == (job.state is State.FAILED)


TestJobs = Jobs.TestCase
TestJobs.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
