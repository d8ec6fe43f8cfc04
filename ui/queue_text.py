"""The words of the queue: what each kind of work is called, where a job stands, and how long it takes."""

from collections.abc import Mapping

from eigenlorax.jobs.job import Job, State, Stop

LABEL = "Long work"
NAME = "Queue"
IDLE = "Nothing runs"
CANCEL = "Cancel"
OPEN = "Show the queue"
CLOSE = "Hide the queue"
LOST = "The studio does not answer. This page goes on as soon as it does."
GROUPS: Mapping[str, str] = {
    "running": "Runs now", "waiting": "Waits", "paused": "Paused", "history": "Before",
}  # fmt: skip
ACTS: Mapping[str, str] = {
    "cancel": "Cancel", "pause": "Pause", "resume": "Resume", "again": "Again", "up": "Sooner",
    "down": "Later",
}  # fmt: skip
EMPTY = (
    "Pictures, compressions and trainings line up here, one after another. "
    "They go on when the page is closed."
)

KINDS: Mapping[str, str] = {
    "generate": "Picture", "redraw": "Live picture", "compare": "Comparison", "morph": "Morph",
    "compress": "Compression", "grow": "Joining", "refit": "Refit", "calibrate": "Calibration",
    "look": "Pictures beside LoRAs", "report": "Report", "import": "Import", "train": "Training",
    "card": "Style card", "previews": "Previews", "sheet": "Contact sheet",
}  # fmt: skip
"""Kind of work -> what it is called; another kind is called by its own name."""
_DRAWN = ("generate", "redraw", "morph")

_STATES: Mapping[State, str] = {
    State.QUEUED: "waits", State.RUNNING: "runs", State.PAUSED: "paused", State.DONE: "done",
    State.FAILED: "failed", State.CANCELLED: "cancelled", State.INTERRUPTED: "interrupted",
}  # fmt: skip
_STOPPING: Mapping[Stop, str] = {
    Stop.PAUSE: "Pausing after this step",
    Stop.CANCEL: "Stopping after this step",
}
CANCELLED = "Cancelled. Nothing was saved."
INTERRUPTED = "“{0}” was interrupted when the studio ended. The queue above lets you ask again."
PAUSED = "Paused. Resume it in the queue above."


def kind(name: str) -> str:
    """What a kind of work is called."""
    return KINDS.get(name, name.replace("_", " ").capitalize())


def state(job: Job) -> str:
    """Where a job stands, in a word."""
    return _STATES[job.state]


def title(job: Job) -> str:
    """What a job is about; those without a title of their own are called by their kind."""
    return job.title or kind(job.kind)


def progress(job: Job) -> str:
    """Where a job is: the part of the work, its place in it, and the time that is left."""
    if job.state is State.QUEUED:
        return sentence(job.what) if job.what else waiting("")
    if job.stopping is not None:
        return _STOPPING[job.stopping]
    if job.kind in _DRAWN and job.total:
        return " · ".join(part for part in (step(job.done, job.total), eta(job.eta_s)) if part)
    place = f"{job.done} of {job.total}" if job.total else ""
    return " · ".join(part for part in (sentence(job.what or "starting"), place, eta(job.eta_s)) if part)


def step(done: int, total: int) -> str:
    """Progress of a picture."""
    return f"Step {done} of {total}"


def waiting(title: str) -> str:
    """Why something does not begin yet."""
    return f"Waits for “{title}”" if title else "Waits for its turn"


def sentence(words: str) -> str:
    """Words that begin large."""
    return words[:1].upper() + words[1:]


def eta(seconds: float | None) -> str:
    """How long it will still take, as people say it; nothing while that is not known."""
    if seconds is None:
        return ""
    if seconds < 5:
        return "a few seconds left"
    if seconds < 90:
        return f"about {5 * round(seconds / 5)} s left"
    return f"about {round(seconds / 60)} min left" if seconds < 5400 else f"about {seconds / 3600:.1f} h left"


def took(seconds: float) -> str:
    """How long something took."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def summary(waiting: int) -> str:
    """How many wait."""
    return f"{waiting} waiting" if waiting else ""
