"""`eigenlorax jobs`: the page's queue of long work, seen and steered from another window."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from eigenlorax.cli.answer import Answer, table
from eigenlorax.cli.options import DataDir
from eigenlorax.errors import InvalidFileError
from eigenlorax.jobs.job import Job
from eigenlorax.jobs.server import JobServer

Number = Annotated[int, typer.Argument(help="As `jobs list` numbers them.")]


def listed(
    data_dir: DataDir, limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 20
) -> Answer:
    """List what runs, what waits in its order, what is paused, then history, newest first."""
    with _jobs(data_dir) as jobs:
        found, notice = jobs.jobs(limit), jobs.notice
    rows = [(one.id, one.state.value, one.kind, _done(one), one.title) for one in found]
    lines = table(("", "state", "kind", "done", "job"), rows) if rows else ["no job yet"]
    return Answer({"jobs": found, "notice": notice}, [*lines, notice])


def show(number: Number, data_dir: DataDir) -> Answer:
    """Tell everything of one job: what was asked, how far it is, its curves, and what came of it."""
    with _jobs(data_dir) as jobs:
        found, series = jobs.look(number), jobs.series(number)
        pictures = [one.label for one in jobs.pictures(number)]
    told = {
        "state": found.state.value, "kind": found.kind, "title": found.title, "done": _done(found),
        "doing": found.what, "error": found.error, "result": found.result,
    }  # fmt: skip
    lines = [f"{key}: {value}" for key, value in told.items() if value]
    return Answer({**vars(found), "series": series, "pictures": pictures}, lines)


def cancel(number: Number, data_dir: DataDir) -> Answer:
    """End a job, at its next step where it runs."""
    return _changed(data_dir, lambda jobs: jobs.cancel(number))


def pause(number: Number, data_dir: DataDir) -> Answer:
    """Hold a job, at its next step where it runs."""
    return _changed(data_dir, lambda jobs: jobs.pause(number))


def resume(number: Number, data_dir: DataDir) -> Answer:
    """Let a job that was paused, interrupted, cancelled, or failed run again; the page runs it."""
    return _changed(data_dir, lambda jobs: jobs.resume(number))


def move(
    number: Number,
    places: Annotated[int, typer.Argument(help="So many places back; negative is forward.")],
    data_dir: DataDir,
) -> Answer:
    """Move a waiting job in the queue; put `--` before a negative number."""

    def moved(jobs: JobServer) -> Job:
        jobs.move(number, places)
        return jobs.look(number)

    return _changed(data_dir, moved)


@contextmanager
def _jobs(data_dir: Path) -> Iterator[JobServer]:
    """The queue without workers: a page that is open goes on running it."""
    root = data_dir.expanduser()
    if not root.is_dir():
        raise InvalidFileError(f"there is no data folder at {root}: name another, or start the page once")
    with JobServer(root, {}) as jobs:
        yield jobs


def _changed(data_dir: Path, change: Callable[[JobServer], Job]) -> Answer:
    with _jobs(data_dir) as jobs:
        job = change(jobs)
    stopping = f", {job.stopping.value} at its next step" if job.stopping else ""
    return Answer(job, [f"job {job.id}: {job.state.value}{stopping}"])


def _done(job: Job) -> str:
    return f"{job.done}/{job.total}" if job.total else ""
