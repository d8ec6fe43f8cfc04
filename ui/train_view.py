"""What the page shows of a training, from what the job server knows of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

from eigenlorax.jobs.job import Job, State
from eigenlorax.jobs.server import JobServer
from eigenlorax.jobs.teaching import TRAIN
from ui import markup, queue_text, train_markup, train_text
from ui.train_plot import learning_curve

_LIVE = (State.QUEUED, State.RUNNING)


@dataclass(frozen=True)
class View:
    """One training, or none, as the page shows it.

    Attributes:
        job: Its number; 0 for none.
        live: Whether there will be more to show without anybody asking.
        status, curve, film, words: HTML.
        style: The name of the style that is taught; "" before the end.
        can_pause, can_resume, can_cancel: Which buttons do something.
    """

    job: int = 0
    live: bool = False
    status: str = ""
    curve: str = ""
    film: str = ""
    words: str = ""
    style: str = ""
    can_pause: bool = False
    can_resume: bool = False
    can_cancel: bool = False


def view(jobs: JobServer, *, ready: bool = True) -> View:
    """The training that runs, else the next in the queue, else the newest.

    Args:
        jobs: The server.
        ready: Whether there is a subspace to learn in; said where there is no training yet.
    """
    job = shown_job(jobs.jobs())
    if job is None:
        return View(status=train_markup.empty(ready=ready))
    series, steps = jobs.series(job.id), job.asked.get("settings", {}).get("steps", 0)
    curve = learning_curve(series.get("train", []), series.get("held", []), steps)
    pictures = [(one.label, _address(one.path)) for one in jobs.pictures(job.id)]
    result = job.result if job.state is State.DONE else None
    return View(
        job=job.id,
        live=job.state in _LIVE,
        status=status(job),
        curve=curve,
        film=train_markup.filmstrip(pictures, result["best"] if result else None),
        words=train_markup.finished(result) if result else "",
        style=result["name"] if result else "",
        can_pause=job.state in _LIVE and job.resumable and job.stopping is None,
        can_resume=job.state in (State.PAUSED, State.INTERRUPTED, State.FAILED, State.CANCELLED),
        can_cancel=job.state in (*_LIVE, State.PAUSED) and job.stopping is None,
    )


def shown_job(found: Sequence[Job]) -> Job | None:
    """The training to look at, of jobs as the server orders them: none that waits hides one that runs."""
    return next((job for job in found if job.kind == TRAIN), None)


def status(job: Job) -> str:
    """The head of a training: its name, where it stands, and why it failed if it did."""
    head = f'<div class="heading"><h2>{escape(train_text.job_heading(job.title, job.state))}</h2></div>'
    if job.state is State.FAILED:
        return head + markup.line(train_markup.sentence(job.error), "bad")
    if job.state in (State.CANCELLED, State.INTERRUPTED, State.PAUSED):
        return head + markup.line(train_text.STANDS[job.state])
    if job.state is State.DONE:
        return head
    words = queue_text.progress(job)
    return head + markup.progress(words, job.done, job.total)


def _address(path: Path) -> str:
    return f"gradio_api/file={quote(path.as_posix())}?{path.stat().st_mtime_ns:x}"
