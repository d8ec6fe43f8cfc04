"""Files of jobs that cannot be used: put aside, told, nothing lost."""

import os
import sqlite3
from pathlib import Path

import pytest

from eigenlorax.errors import InvalidFileError, NotWrittenError
from eigenlorax.jobs.database import FILE_NAME, SCHEMA, Claim, Database, opened
from eigenlorax.jobs.job import State
from tests.jobs.fakes import LONG_S, Gated, serving, submit


def _with_a_job(folder: Path) -> Path:
    gated = Gated()
    gated.go()
    with serving(folder, gated) as server:
        server.wait(submit(server, "kept", draws=True), LONG_S)
    return folder / FILE_NAME


def _garbage(path: Path) -> None:
    path.write_bytes(b"this is no database, " * 500)


def _torn(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb+") as file:
        file.seek(size // 3)
        file.write(os.urandom(size // 3))


def _newer(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    connection.close()


def _of_another(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()


def _nonsense(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA ignore_check_constraints = 1")
    connection.execute("UPDATE jobs SET state = 'dancing'")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_garbage, "damaged"),
        (_torn, "damaged"),
        (_newer, "newer version"),
        (_of_another, "another program"),
        (_nonsense, "damaged"),
    ],
)
def test_a_file_that_cannot_be_used_is_put_aside_whole(tmp_path: Path, spoil, said: str) -> None:
    path = _with_a_job(tmp_path)
    spoil(path)
    content = path.read_bytes()
    gated = Gated()
    gated.go()
    with serving(tmp_path, gated) as server:
        assert said in server.notice
        assert server.jobs() == []
        number = submit(server, "new")
        assert server.wait(number, LONG_S).state is State.DONE
    aside = next(file for file in tmp_path.glob("jobs-*.sqlite"))
    assert aside.name in server.notice
    assert aside.read_bytes() == content
    assert len(list(aside.with_suffix("").rglob("*.jpg"))) == 3  # with the pictures of its jobs
    with serving(tmp_path, Gated()) as server:
        assert server.notice == ""
        assert server.look(number).title == "new"


def test_a_file_that_another_process_works_with_is_never_put_aside(tmp_path: Path) -> None:
    path = _with_a_job(tmp_path)
    holder, late = Claim(tmp_path), Claim(tmp_path)
    assert holder.take()
    assert not late.take()
    _garbage(path)
    with pytest.raises(InvalidFileError, match="close the other window"):
        opened(tmp_path, late)
    assert path.is_file()
    holder.give_back()
    assert late.take()
    late.give_back()


def test_a_file_of_the_first_schema_goes_on_with_all_its_jobs(tmp_path: Path) -> None:
    path = _with_a_job(tmp_path)
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE pictures ADD COLUMN before TEXT")
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    gated = Gated()
    gated.go()
    with serving(tmp_path, gated) as server:
        assert server.notice == ""
        (job,) = server.jobs()
        assert job.title == "kept"
        assert len(server.pictures(job.id)) == 3
        number = submit(server, "new", draws=True)
        assert server.wait(number, LONG_S).state is State.DONE


def test_a_lock_file_with_something_else_in_it_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "jobs.lock").write_bytes(b"0123456789" * 100)
    claim = Claim(tmp_path)
    assert claim.take()
    claim.give_back()


def test_a_transaction_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    database = Database(tmp_path / FILE_NAME)
    with pytest.raises(ZeroDivisionError), database.writing() as run:
        run.execute("UPDATE clock SET now = 7")
        raise ZeroDivisionError
    assert database.rows("SELECT now FROM clock") == [(0,)]
    with pytest.raises(NotWrittenError, match="NOT NULL"), database.writing() as run:
        run.execute("UPDATE clock SET now = 7")
        run.execute("INSERT INTO clock VALUES (NULL)")
    assert database.rows("SELECT now FROM clock") == [(0,)]
    database.close()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(NotWrittenError, match="check the folder"):
        opened(tmp_path, Claim(tmp_path))
