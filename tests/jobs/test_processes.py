"""Several processes on one data folder, and one that is killed in the middle of a job."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from eigenlorax.jobs.job import State, Stop
from tests.jobs.fakes import LONG_S, Gated, serving, submit

_PATIENCE_S = 30.0
ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def another(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that serves the folder."""
    command = [sys.executable, "-m", "tests.jobs.other", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def _until(right: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not right():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_one_process_runs_jobs_all_submit_and_when_it_is_killed_another_takes_over(tmp_path: Path) -> None:
    gated = Gated()
    with another(tmp_path) as process, serving(tmp_path, gated) as server:
        assert "Another window" in server.notice
        a, b, c = (submit(server, name, 2) for name in "abc")
        _until(lambda: server.look(a).done > 3)
        assert server.look(a).what == "elsewhere"
        assert server.look(b).state is State.QUEUED
        server.move(c, -1)
        assert server.pause(a).stopping in (Stop.PAUSE, None)
        _until(lambda: server.look(a).state is State.PAUSED)
        _until(lambda: server.look(c).done > 3)
        server.cancel(c)
        _until(lambda: server.look(c).state is State.CANCELLED)
        _until(lambda: server.look(b).done > 3)
        assert gated.seen == []  # nothing ran here meanwhile
        process.send_signal(signal.SIGKILL)
        process.wait()
        _until(lambda: server.look(b).state is State.INTERRUPTED)
        assert server.notice == ""
        kept = server.series(b)["train"]
        assert [x for x, _ in kept] == [float(n) for n in range(1, len(kept) + 1)]
        assert len(kept) > 3
        server.resume(b)
        server.resume(a)
        gated.go()
        assert server.wait(a, LONG_S).state is State.DONE
        assert server.wait(b, LONG_S).state is State.DONE
        assert server.jobs()[-1].id == c


def test_two_servers_of_one_process_do_not_run_a_job_twice(tmp_path: Path) -> None:
    one, other = Gated(), Gated()
    with serving(tmp_path, one) as first, serving(tmp_path, other) as second:
        assert first.notice == ""
        assert "Another window" in second.notice
        numbers = [submit(second, str(n), 1) for n in range(5)]
        one.go()
        other.go()
        _until(lambda: first.look(numbers[-1]).state is State.DONE)
        assert len(one.seen) == 10
        assert other.seen == []
        first.close()
        late = submit(second, "late", 1)
        assert second.wait(late, LONG_S).state is State.DONE
        assert other.seen == ["late 1", "late closed"]
