"""The words of the queue: what each kind of work is called, where a job stands, and how long it takes."""

from collections.abc import Mapping

from eigenlorax.jobs.job import Job, State, Stop
from ui.language import say

LABEL = say("Long work")
NAME = say("Queue")
IDLE = say("Nothing runs")
CANCEL = say("Cancel")
OPEN = say("Show the queue")
CLOSE = say("Hide the queue")
LOST = say("The studio does not answer. This page goes on as soon as it does.")
GROUPS: Mapping[str, str] = {
    "running": say("Runs now"),
    "waiting": say("Waits"),
    "paused": say("Paused"),
    "history": say("Earlier"),
}
ACTS: Mapping[str, str] = {
    "cancel": say("Cancel"),
    "pause": say("Pause"),
    "resume": say("Resume"),
    "again": say("Again"),
    "up": say("Sooner"),
    "down": say("Later"),
}
EMPTY = say(
    "Pictures, compressions and trainings line up here, one after another. They go on "
    "when the page is closed."
)

KINDS: Mapping[str, str] = {
    "generate": say("Picture"),
    "redraw": say("Live picture"),
    "compare": say("Comparison"),
    "morph": say("Morph"),
    "compress": say("Compression"),
    "grow": say("Joining"),
    "refit": say("Refit"),
    "calibrate": say("Calibration"),
    "look": say("Pictures beside LoRAs"),
    "report": say("Report"),
    "import": say("Import"),
    "train": say("Training"),
    "card": say("Style card"),
    "previews": say("Previews"),
    "sheet": say("Contact sheet"),
    "request": say("Picture for a program"),
    "export": say("Export"),
    "use": say("Another version"),
    "beside": say("Style beside its LoRA"),
}
"""Kind of work -> what it is called; another kind is called by its own name."""
_DRAWN = ("generate", "redraw", "morph", "request")

_STATES: Mapping[State, str] = {
    State.QUEUED: say("waits"),
    State.RUNNING: say("runs"),
    State.PAUSED: say("paused"),
    State.DONE: say("done"),
    State.FAILED: say("failed"),
    State.CANCELLED: say("cancelled"),
    State.INTERRUPTED: say("interrupted"),
}
_STOPPING: Mapping[Stop, str] = {
    Stop.PAUSE: say("Pausing after this step"),
    Stop.CANCEL: say("Stopping after this step"),
}
CANCELLED = say("Cancelled. Nothing was saved.")
INTERRUPTED = say("“{0}” was interrupted when the studio ended. The queue above lets you ask again.")
PAUSED = say("Paused. Resume it in the queue above.")


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
    place = say("{done} of {total}", done=job.done, total=job.total) if job.total else ""
    return " · ".join(part for part in (sentence(job.what or say("starting")), place, eta(job.eta_s)) if part)


def step(done: int, total: int) -> str:
    """Progress of a picture."""
    return say("Step {done} of {total}", done=done, total=total)


def waiting(title: str) -> str:
    """Why something does not begin yet."""
    return say("Waits for “{title}”", title=title) if title else say("Waits for its turn")


def sentence(words: str) -> str:
    """Words that begin large."""
    return words[:1].upper() + words[1:]


def eta(seconds: float | None) -> str:
    """How long it will still take, as people say it; nothing while that is not known."""
    if seconds is None:
        return ""
    if seconds < 5:
        return say("a few seconds left")
    if seconds < 90:
        return say("about {seconds} s left", seconds=5 * round(seconds / 5))
    if seconds < 5400:
        return say("about {minutes} min left", minutes=round(seconds / 60))
    return say("about {hours:.1f} h left", hours=seconds / 3600)


def took(seconds: float) -> str:
    """How long something took."""
    if seconds < 10:
        return say("{seconds:.1f} s", seconds=seconds)
    if seconds < 120:
        return say("{seconds:.0f} s", seconds=seconds)
    if seconds < 7200:
        return say("{minutes:.0f} min", minutes=seconds / 60)
    return say("{hours:.1f} h", hours=seconds / 3600)


def summary(waiting: int) -> str:
    """How many wait."""
    return say("{waiting} waiting", waiting=waiting) if waiting else ""
