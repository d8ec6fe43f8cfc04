"""The file of jobs: who may run them, how the file is opened, and what becomes of one that cannot be used."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any

from eigenlorax.errors import InvalidFileError, NotWrittenError
from eigenlorax.jobs.job import State, Stop

FILE_NAME = "jobs.sqlite"
SCHEMA = 2
"""Kept as the file's `user_version`."""
_PATIENCE_S = 10.0
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _one_of(values: Sequence[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


_TABLES = f"""
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    asked TEXT NOT NULL CHECK (json_valid(asked)),
    state TEXT NOT NULL CHECK (state IN ({_one_of([*State])})),
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    what TEXT NOT NULL DEFAULT '',
    eta_s REAL,
    created REAL NOT NULL,
    started REAL,
    ended REAL,
    error TEXT NOT NULL DEFAULT '',
    result TEXT CHECK (result IS NULL OR json_valid(result)),
    resumable INTEGER NOT NULL CHECK (resumable IN (0, 1)),
    stopping TEXT CHECK (stopping IN ({_one_of([*Stop])})),
    base TEXT NOT NULL,
    place INTEGER NOT NULL,
    change INTEGER NOT NULL
);
CREATE INDEX jobs_by_change ON jobs (change);
CREATE INDEX jobs_by_state ON jobs (state, place);
CREATE TABLE points (
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    curve TEXT NOT NULL,
    x REAL NOT NULL,
    y REAL NOT NULL,
    PRIMARY KEY (job, curve, x)
) WITHOUT ROWID;
CREATE TABLE pictures (
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    file TEXT NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (job, label)
) WITHOUT ROWID;
CREATE TABLE clock (now INTEGER NOT NULL);
INSERT INTO clock VALUES (0);
"""
_DROPPED = ("pictures", "before")
"""A column that files of schema 1 have."""


class Claim:
    """The right to run the jobs of a data folder: one process has it, and loses it when it ends, however.

    The lock is SQLite's own on a file of its own, so it is the same on every system and never goes stale.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / "jobs.lock"
        self._held: sqlite3.Connection | None = None

    @property
    def held(self) -> bool:
        """Whether this object has it."""
        return self._held is not None

    def take(self) -> bool:
        """Try to get it; says whether it is held now."""
        if self._held is None:
            connection = sqlite3.connect(
                self._path, timeout=0.0, isolation_level=None, check_same_thread=False
            )
            try:
                connection.execute("BEGIN EXCLUSIVE")
                self._held = connection
            except sqlite3.DatabaseError as error:
                connection.close()
                if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                    self._path.unlink(missing_ok=True)
                    return self.take()
        return self.held

    def give_back(self) -> None:
        """Let another process have it."""
        if self._held is not None:
            self._held.close()
            self._held = None


class Database:
    """One connection that threads take turns with.

    Args:
        path: The file; made when it is not there.

    Raises:
        InvalidFileError: the file is damaged, of another program, or of a newer version of this one.
        NotWrittenError: the disk refused.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = RLock()
        with _told(path):
            self._connection = sqlite3.connect(
                path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
            )
        try:
            with _told(path):
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        run = self._connection.execute
        found = run("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise InvalidFileError(f"{self.path.name} is damaged ({found})")
        self._version()  # before anything is changed: it may be somebody else's
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        run("PRAGMA foreign_keys = ON")
        with self.writing():
            if (version := self._version()) < SCHEMA:
                for statement in _statements_from(version):
                    run(statement)
                run(f"PRAGMA user_version = {SCHEMA}")

    def _version(self) -> int:
        """The schema that the file is of, 0 where it holds nothing yet; refuses one that is not ours."""
        run = self._connection.execute
        version = int(run("PRAGMA user_version").fetchone()[0])
        if version > SCHEMA:
            raise InvalidFileError(f"{self.path.name} is of a newer version of the program")
        if version == 0:
            if run("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise InvalidFileError(f"{self.path.name} is of another program")
            return 0
        wanted = _known_columns() | ({_DROPPED} if version == 1 else set())
        if _columns(self._connection) != wanted or not run("SELECT now FROM clock").fetchone():
            raise InvalidFileError(f"{self.path.name} lacks a part: another program has changed it")
        return version

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with self._turn, _told(self.path):
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is written, or nothing where an exception leaves it.

        Raises:
            NotWrittenError: the disk refused.
        """
        with self._turn, _told(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk has ended it already
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Let the file go."""
        with self._turn:
            self._connection.close()


def _statements_from(version: int) -> list[str]:
    """What makes a file of an older schema one of this."""
    if version == 0:
        return _TABLES.split(";")
    table, column = _DROPPED
    return [f"ALTER TABLE {table} DROP COLUMN {column}"]


def _columns(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Every table with each of its columns."""
    query = "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
    return set(connection.execute(query))


@cache
def _known_columns() -> set[tuple[str, str]]:
    """What there should be."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(_TABLES)
        return _columns(connection)


def opened(root: Path, claim: Claim) -> tuple[Database, str]:
    """The file of jobs of a data folder, and what the user should know of it, or nothing.

    A file that cannot be used is put aside under another name, with the pictures of its jobs, and a new one
    is begun; only the process that may run the jobs does so.

    Raises:
        NotWrittenError: the disk refused.
        InvalidFileError: the file cannot be used, and another process is at work in the folder.
    """
    path = root / FILE_NAME
    try:
        return Database(path), ""
    except InvalidFileError as error:
        if not claim.held:
            raise InvalidFileError(f"{error}: close the other window of the studio") from error
        aside = _put_aside(root)
        return Database(path), f"{error}: it was kept as {aside.name}, and a new list of jobs was begun."


def _put_aside(root: Path) -> Path:
    stamp, number = f"{datetime.now(UTC):%Y%m%d-%H%M%S}", 0
    while (aside := root / f"jobs-{stamp}{f'-{number}' if number else ''}.sqlite").exists():
        number += 1
    for ending in ("", "-wal", "-shm"):
        if (file := root / f"{FILE_NAME}{ending}").exists():
            file.replace(aside.with_name(aside.name + ending))
    if (folder := pictures_folder(root)).exists():
        folder.replace(aside.with_suffix(""))
    return aside


def pictures_folder(root: Path) -> Path:
    """Where jobs keep their pictures, and what went wrong with them."""
    return root / "jobs"


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What SQLite says, in words."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # ours, such as asking after closing; it has no code either
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in _BROKEN:
            raise InvalidFileError(f"{path.name} is damaged ({error})") from error
        raise NotWrittenError(f"{path} could not be used ({error}): make room, check the folder") from error
