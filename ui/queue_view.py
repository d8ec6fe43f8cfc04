"""What the strip shows of the queue: plain values, which its script turns into rows."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from eigenlorax.jobs.job import Job, State
from eigenlorax.jobs.server import JobServer
from ui import queue_text

SHOWN = 30
"""Jobs of history in the list."""
_GROUPS: Mapping[State, str] = {
    State.RUNNING: "running", State.QUEUED: "waiting", State.PAUSED: "paused",
}  # fmt: skip
_TONES: Mapping[State, str] = {
    State.DONE: "good", State.FAILED: "bad", State.INTERRUPTED: "fair", State.PAUSED: "fair",
}  # fmt: skip


def queue_view(
    jobs: JobServer, since: int, rooms: Mapping[str, Collection[str]], changing: Collection[str]
) -> dict[str, Any] | None:
    """The queue as a page shows it; None where nothing has changed.

    Args:
        jobs: The queue.
        since: The `now` of the page's last look; -1 for none.
        rooms: Room of the page -> the kinds of work that it shows.
        changing: The kinds of work after which the library is another.

    Returns:
        `now`; `groups` of rows: running, waiting, paused, history; a `summary`; `rooms`, the newest job of
        each; `renewed`, which changes when the library has; and a `notice`.
    """
    now = jobs.changed(max(since, 0)).now
    if now == since:
        return None
    found = jobs.jobs()
    groups: dict[str, list[dict[str, Any]]] = {name: [] for name in queue_text.GROUPS}
    for job in found:
        groups[_GROUPS.get(job.state, "history")].append(row(job))
    del groups["history"][SHOWN:]
    _without_vain_moves(groups["waiting"])
    return {
        "now": now,
        "groups": groups,
        "summary": queue_text.summary(len(groups["waiting"])),
        "rooms": {room: _newest(found, kinds) for room, kinds in rooms.items()},
        "renewed": _renewed(found, changing),
        "notice": jobs.notice,
    }


def row(job: Job) -> dict[str, Any]:
    """One job in the list."""
    return {
        "id": job.id,
        "kind": queue_text.kind(job.kind),
        "title": queue_text.title(job),
        "state": queue_text.state(job),
        "tone": _TONES.get(job.state, ""),
        "words": _words(job),
        "share": job.done / job.total if job.total and job.state is State.RUNNING else None,
        "at": job.ended or job.created,
        "acts": _acts(job),
    }


def _words(job: Job) -> str:
    if job.state in (State.RUNNING, State.QUEUED):
        return queue_text.progress(job)
    if job.state is State.FAILED:
        return queue_text.sentence(job.error)
    ran = job.ended is not None and job.started is not None and job.ended >= job.started
    return queue_text.took((job.ended or 0.0) - (job.started or 0.0)) if ran else ""


def _acts(job: Job) -> list[str]:
    if job.state is State.RUNNING:
        going = job.stopping is None
        return [*(["pause"] if job.resumable and going else []), *(["cancel"] if going else [])]
    if job.state is State.QUEUED:
        return ["up", "down", "cancel"]
    if job.state is State.PAUSED:
        return ["resume", "cancel"]
    goes_on = job.resumable and job.state is not State.DONE
    return ["resume" if goes_on else "again"]


def _without_vain_moves(waiting: Sequence[dict[str, Any]]) -> None:
    """The first cannot come sooner, the last not later."""
    if waiting:
        waiting[0]["acts"].remove("up")
        waiting[-1]["acts"].remove("down")


def _newest(found: Sequence[Job], kinds: Collection[str]) -> int:
    return max((job.id for job in found if job.kind in kinds), default=0)


def _renewed(found: Sequence[Job], changing: Collection[str]) -> float:
    """When the library last changed."""
    ends = (job.ended or 0.0 for job in found if job.kind in changing and job.state not in _GROUPS)
    return max(ends, default=0.0)
