"""Jobs in their file: every change is one transaction, and every rule about states is kept here."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from eigenlorax.errors import InvalidRequestError
from eigenlorax.jobs.database import Database
from eigenlorax.jobs.job import ENDS, Changes, Facts, Job, State, Stop, Told

_FIELDS = [field.name for field in fields(Job)]
_COLUMNS = ", ".join(_FIELDS)
_NEXT_PLACE = "(SELECT coalesce(max(place), 0) + 1 FROM jobs WHERE state = 'queued')"
_FIRST_PLACE = "(SELECT coalesce(min(place), 0) - 1 FROM jobs WHERE state = 'queued')"
_ENDS = ", ".join(f"'{state}'" for state in ENDS)


class JobStore:
    """What is known of all jobs.

    Args:
        database: Theirs.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, kind: str, title: str, asked: Facts, resumable: bool, base: str, now: float) -> int:
        """Put a job at the end of the queue; returns its number."""
        values = (kind, title, _json(asked), State.QUEUED, now, resumable, base)
        with self._database.writing() as run:
            cursor = run.execute(
                "INSERT INTO jobs (kind, title, asked, state, created, resumable, base, place, change) "
                f"VALUES (?, ?, ?, ?, ?, ?, ?, {_NEXT_PLACE}, {_tick(run)})",
                values,
            )
            return int(cursor.lastrowid or 0)

    def replace(
        self, kind: str, title: str, asked: Facts, resumable: bool, base: str, now: float
    ) -> tuple[int, list[int]]:
        """Put a job first in the queue, in place of those of its kind and page.

        Of these, one that runs is asked to stop, and all others are forgotten.

        Returns:
            The job's number, and the numbers of those that were forgotten.
        """
        page = asked["page"]
        same = "kind = ? AND json_extract(asked, '$.page') = ?"
        values = (kind, title, _json(asked), State.QUEUED, now, resumable, base)
        with self._database.writing() as run:
            _update(run, "stopping = 'cancel'", f"{same} AND state = 'running'", kind, page)
            gone = run.execute(
                f"DELETE FROM jobs WHERE {same} AND state <> 'running' RETURNING id", (kind, page)
            ).fetchall()
            cursor = run.execute(
                "INSERT INTO jobs (kind, title, asked, state, created, resumable, base, place, change) "
                f"VALUES (?, ?, ?, ?, ?, ?, ?, {_FIRST_PLACE}, {_tick(run)})",
                values,
            )
            return int(cursor.lastrowid or 0), [row[0] for row in gone]

    def job(self, number: int) -> Job:
        """One job.

        Raises:
            InvalidRequestError: there is none of that number.
        """
        job = self.found(number)
        if job is None:
            raise InvalidRequestError(f"there is no job {number}: it may be older than what is kept")
        return job

    def found(self, number: int) -> Job | None:
        """One job; None where there is none of that number."""
        found = self._database.rows(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", number)
        return _job(found[0]) if found else None

    def change(self, number: int) -> int:
        """The number of a job's last change; 0 where there is no such job."""
        found = self._database.rows("SELECT change FROM jobs WHERE id = ?", number)
        return int(found[0][0]) if found else 0

    def jobs(self, limit: int) -> list[Job]:
        """What runs, then what waits in its order, then what is paused, then what is over, newest first."""
        query = (
            f"SELECT {_COLUMNS} FROM jobs ORDER BY CASE state WHEN 'running' THEN 0 WHEN 'queued' THEN 1 "
            "WHEN 'paused' THEN 2 ELSE 3 END, CASE WHEN state = 'queued' THEN place ELSE -ended END, "
            "CASE WHEN state = 'queued' THEN id ELSE -id END LIMIT ?"
        )
        return [_job(row) for row in self._database.rows(query, limit)]

    def changed(self, since: int) -> Changes:
        """Jobs that changed since an earlier answer's `now`; 0 is since ever."""
        # In this order: what changes between the two comes twice rather than never.
        now = self._database.rows("SELECT now FROM clock")[0][0]
        found = self._database.rows("SELECT id FROM jobs WHERE change > ?", since)
        return Changes(now, tuple(sorted(row[0] for row in found)))  # sorted there, all jobs would be read

    def first(self, base: str) -> int | None:
        """The job that is to run next with a model; those of other models wait for theirs."""
        query = "SELECT id FROM jobs WHERE state = 'queued' AND base = ? ORDER BY place, id LIMIT 1"
        found = self._database.rows(query, base)
        return found[0][0] if found else None

    def begin(self, number: int, now: float) -> bool:
        """A waiting job runs from now on; False where it waits no more.

        One that cannot go on where it was loses the curves and pictures of its last attempt.
        """
        with self._database.writing() as run:
            begun = (
                "state = 'running', started = ?, ended = NULL, done = 0, total = 0, what = '', eta_s = NULL, "
                "error = '', stopping = NULL"
            )
            changed = _update(run, begun, "id = ? AND state = 'queued'", now, number)
            if changed:
                again = "(SELECT id FROM jobs WHERE id = ? AND NOT resumable)"
                run.execute(f"DELETE FROM points WHERE job IN {again}", (number,))
                run.execute(f"DELETE FROM pictures WHERE job IN {again}", (number,))
        return bool(changed)

    def progress(self, number: int, told: Told, eta_s: float | None, points: Sequence[Any]) -> None:
        """Where a running job is, and (curve, x, y) that its curves have got."""
        with self._database.writing() as run:
            where = (told.done, told.total, told.what, eta_s)
            _update(run, "done = ?, total = ?, what = ?, eta_s = ?", "id = ?", *where, number)
            run.executemany(
                "INSERT OR REPLACE INTO points (job, curve, x, y) VALUES (?, ?, ?, ?)",
                [(number, *point) for point in points],
            )

    def settle(
        self, number: int, state: State, now: float, error: str = "", result: Facts | None = None
    ) -> None:
        """A running job runs no more."""
        text = None if result is None else _json(result)
        settled = "state = ?, ended = ?, error = ?, result = ?, eta_s = NULL, stopping = NULL"
        with self._database.writing() as run:
            _update(run, settled, "id = ?", state, now, error, text, number)

    def interrupt(self, now: float) -> None:
        """Whatever is said to run does not: the process that ran it is gone."""
        if not self._database.rows("SELECT 1 FROM jobs WHERE state = 'running'"):
            return
        gone = "state = 'interrupted', ended = ?, eta_s = NULL, stopping = NULL"
        with self._database.writing() as run:
            _update(run, gone, "state = 'running'", now)

    def stopping(self, number: int) -> Stop | None:
        """What a running job was asked to do."""
        found = self._database.rows("SELECT stopping FROM jobs WHERE id = ?", number)
        return Stop(found[0][0]) if found and found[0][0] else None

    def cancel(self, number: int, now: float) -> Job:
        """End a job at its next event, or before it begins; one that is over stays as it ended."""
        with self._database.writing() as run:
            self.job(number)
            _update(run, "stopping = 'cancel'", "id = ? AND state = 'running'", number)
            ended, waiting = "state = 'cancelled', ended = ?", "state IN ('queued', 'paused', 'interrupted')"
            _update(run, ended, f"id = ? AND {waiting}", now, number)
            return self.job(number)

    def pause(self, number: int, now: float) -> Job:
        """Hold a job: one that waits at once, one that runs at its next event; others stay as they are.

        Raises:
            InvalidRequestError: it runs and could not go on where it was.
        """
        with self._database.writing() as run:
            job = self.job(number)
            if job.state is State.RUNNING and not job.resumable:
                raise InvalidRequestError(f"{job.title} cannot be paused while it runs: cancel it instead")
            going = "id = ? AND state = 'running' AND stopping IS NULL"
            _update(run, "stopping = 'pause'", going, number)
            _update(run, "state = 'paused', ended = ?", "id = ? AND state = 'queued'", now, number)
            return self.job(number)

    def resume(self, number: int) -> Job:
        """Let a job run, once more where it is over: paused and interrupted ones come first in the queue.

        A pause that has not happened yet is taken back.

        Raises:
            InvalidRequestError: it is done.
        """
        with self._database.writing() as run:
            job = self.job(number)
            if job.state is State.DONE:
                raise InvalidRequestError(f"{job.title} is done: ask for it anew to have it once more")
            pausing = "id = ? AND state = 'running' AND stopping = 'pause'"
            _update(run, "stopping = NULL", pausing, number)
            place = _FIRST_PLACE if job.state in (State.PAUSED, State.INTERRUPTED) else _NEXT_PLACE
            again = f"state = 'queued', ended = NULL, error = '', place = {place}"
            stopped = "state IN ('paused', 'interrupted', 'failed', 'cancelled')"
            _update(run, again, f"id = ? AND {stopped}", number)
            return self.job(number)

    def move(self, number: int, places: int) -> None:
        """Move a waiting job so many places back in the queue; a negative number brings it forward."""
        with self._database.writing() as run:
            self.job(number)
            found = self._database.rows("SELECT id FROM jobs WHERE state = 'queued' ORDER BY place, id")
            queue = [row[0] for row in found]
            if number in queue:
                target = max(0, min(len(queue) - 1, queue.index(number) + places))
                queue.remove(number)
                queue.insert(target, number)
                for place, one in enumerate(queue):
                    _update(run, "place = ?", "id = ?", place, one)

    def forget(self, keep: int) -> list[int]:
        """Drop what is over but for the newest `keep`; returns the numbers of what was dropped."""
        query = f"SELECT id FROM jobs WHERE state IN ({_ENDS}) ORDER BY ended DESC, id DESC LIMIT -1 OFFSET ?"
        dropped = [row[0] for row in self._database.rows(query, keep)]
        if dropped:
            with self._database.writing() as run:
                run.executemany("DELETE FROM jobs WHERE id = ?", [(number,) for number in dropped])
                _tick(run)
        return dropped

    def asked(self) -> str:
        """All that was asked for by the jobs that are kept, as one text of JSON."""
        return "\n".join(row[0] for row in self._database.rows("SELECT asked FROM jobs"))


def _tick(run: sqlite3.Connection) -> int:
    """The number of a change."""
    return int(run.execute("UPDATE clock SET now = now + 1 RETURNING now").fetchone()[0])


def _update(run: sqlite3.Connection, sets: str, where: str, *values: Any) -> int:
    """Change jobs, so that it is seen that they changed; returns how many."""
    return run.execute(f"UPDATE jobs SET {sets}, change = {_tick(run)} WHERE {where}", values).rowcount


def _json(facts: Facts) -> str:
    return json.dumps(facts, allow_nan=False)


def _job(row: tuple[Any, ...]) -> Job:
    found = dict(zip(_FIELDS, row, strict=True))
    found["asked"], found["state"] = json.loads(found["asked"]), State(found["state"])
    found["result"] = None if found["result"] is None else json.loads(found["result"])
    found["resumable"] = bool(found["resumable"])
    found["stopping"] = None if found["stopping"] is None else Stop(found["stopping"])
    return Job(**found)
