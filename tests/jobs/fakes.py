"""Workers that do nothing, one event at a time, when they are told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Semaphore
from typing import Any

from PIL import Image

from eigenlorax.errors import InvalidRequestError
from eigenlorax.jobs.job import Facts, State, Told, Work, Worker
from eigenlorax.jobs.server import JobServer

LONG_S = 5.0
"""Far longer than anything here takes."""


@dataclass
class Gated:
    """A worker whose every event waits for `steps`; `asked` is {"steps": n} and what goes wrong at its end.

    Attributes:
        at: The job that runs, and the event that it waits for.
        steps: Released once for each event that may happen.
        works: Every run, kept, so that nothing closes it but the server.
        seen: "name n" for event n of a job, and "name closed" when its work ends, however it does.
    """

    resumable: bool = True
    steps: Semaphore = field(default_factory=lambda: Semaphore(0))
    waiting: Condition = field(default_factory=Condition)
    at: tuple[str, int] = ("", 0)
    works: list[Work] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    @property
    def worker(self) -> Worker:
        def run(asked: Facts) -> Work:
            self.works.append(self._run(asked))
            return self.works[-1]

        return Worker(run, _check, self.resumable)

    def go(self, events: int = 1_000) -> None:
        self.steps.release(events)

    def reach(self, name: str, step: int) -> None:
        """Wait until a job waits for that event: whatever was asked after the one before was heard."""
        with self.waiting:
            assert self.waiting.wait_for(lambda: self.at == (name, step), LONG_S)

    def _run(self, asked: Facts) -> Work:
        name, total = asked.get("name", "job"), asked["steps"]
        try:
            for step in range(1, total + 1):
                with self.waiting:
                    self.at = name, step
                    self.waiting.notify_all()
                assert self.steps.acquire(timeout=LONG_S)
                self.seen.append(f"{name} {step}")
                colour = (step % 256, 0, 0)
                pictures = ((f"step {step}", Image.new("RGB", (8, 8), colour)),) if asked.get("draws") else ()
                yield Told(step, total, "working", {"train": (float(step), 1.0 / step)}, pictures)
        finally:
            self.seen.append(f"{name} closed")
        if asked.get("fault"):
            raise ZeroDivisionError("a bug")
        if asked.get("refused"):
            raise InvalidRequestError("the moon is\nfull: wait")
        return {"steps": total}


def _check(asked: Facts) -> None:
    if asked["steps"] < 0:
        raise InvalidRequestError("steps is below 0: choose more")


@contextmanager
def serving(root: Path, gated: Gated, **options: Any) -> Iterator[JobServer]:
    """A server of one kind of work, "work", that writes every event down."""
    with JobServer(root, {"work": gated.worker}, **{"write_every_s": 0.0, **options}) as server:
        try:
            yield server
        finally:
            server.close(0.0)  # before anything more may happen
            gated.go()


def submit(server: JobServer, name: str = "job", steps: int = 3, **asked: object) -> int:
    return server.submit("work", {"name": name, "steps": steps, **asked}, name)


def state(server: JobServer, number: int) -> State:
    return server.look(number).state
