"""The queue as those who submit and look meet it."""

from pathlib import Path

import pytest
from PIL import Image

from eigenlorax.errors import InvalidRequestError
from eigenlorax.jobs.job import State, Stop
from eigenlorax.jobs.server import JobServer
from tests.jobs.fakes import LONG_S, Gated, serving, state, submit


def test_jobs_run_in_order_one_at_a_time(tmp_path: Path) -> None:
    gated = Gated()
    with serving(tmp_path, gated) as server:
        numbers = [submit(server, name, 2) for name in "abc"]
        gated.reach("a", 1)
        assert [state(server, number) for number in numbers] == [State.RUNNING, State.QUEUED, State.QUEUED]
        gated.go()
        done = [server.wait(number, LONG_S) for number in numbers]
    assert gated.seen == [f"{name} {what}" for name in "abc" for what in (1, 2, "closed")]
    for job in done:
        assert (job.state, job.done, job.total, job.result, job.error) == (State.DONE, 2, 2, {"steps": 2}, "")
        assert job.eta_s is None
        assert job.created <= job.started <= job.ended


def test_the_queue_can_be_reordered(tmp_path: Path) -> None:
    gated = Gated()
    with serving(tmp_path, gated) as server:
        first, *rest = (submit(server, name, 1) for name in "xabcd")
        gated.reach("x", 1)
        a, b, c, d = rest
        server.move(d, -2)  # a d b c
        server.move(a, 1)  # d a b c
        server.move(c, -99)  # c d a b
        server.move(d, 99)  # c a b d
        server.move(first, 1)  # it runs: nothing to move
        assert [job.id for job in server.jobs(10)] == [first, c, a, b, d]
        gated.go()
        server.wait(d, LONG_S)
    assert [one[0] for one in gated.seen if one.endswith("closed")] == list("xcabd")


def test_cancelling_ends_a_job_at_its_next_event_and_frees_what_it_holds(tmp_path: Path) -> None:
    gated = Gated(resumable=False)
    with serving(tmp_path, gated) as server:
        running, waiting = submit(server, "a", 100), submit(server, "b", 1)
        gated.go(1)
        gated.reach("a", 2)
        assert server.cancel(waiting).state is State.CANCELLED
        assert server.cancel(running).stopping is Stop.CANCEL
        gated.go(1)
        ended = server.wait(running, LONG_S)
        assert (ended.state, ended.stopping) == (State.CANCELLED, None)
        assert gated.seen == ["a 1", "a 2", "a closed"]
        assert server.cancel(running) == ended  # once more changes nothing
        gated.go()
        assert server.wait(submit(server, "c", 1), LONG_S).state is State.DONE
    assert "b 1" not in gated.seen


def test_a_paused_job_frees_the_queue_and_comes_first_when_it_is_resumed(tmp_path: Path) -> None:
    gated = Gated()
    with serving(tmp_path, gated) as server:
        a, b, c = (submit(server, name, 2) for name in "abc")
        gated.go(1)
        gated.reach("a", 2)
        server.pause(a)
        gated.go(1)
        assert server.wait(a, LONG_S).state is State.PAUSED
        gated.reach("b", 1)
        assert server.pause(c).state is State.PAUSED
        d = submit(server, "d", 1)
        server.resume(c)
        server.resume(a)
        assert [job.id for job in server.jobs(10)][1:] == [a, c, d]
        gated.go()
        server.wait(d, LONG_S)
        assert [state(server, one) for one in (a, b, c, d)] == [State.DONE] * 4
    assert [one for one in gated.seen if one.endswith("closed")] == [
        "a closed", "b closed", "a closed", "c closed", "d closed"
    ]  # fmt: skip


def test_a_pause_can_be_taken_back_and_a_cancel_cannot(tmp_path: Path) -> None:
    gated = Gated()
    with serving(tmp_path, gated) as server:
        number = submit(server, "a", 3)
        gated.reach("a", 1)
        assert server.pause(number).stopping is Stop.PAUSE
        assert server.resume(number).stopping is None
        gated.go(3)
        assert server.wait(number, LONG_S).state is State.DONE
        with pytest.raises(InvalidRequestError, match="is done"):
            server.resume(number)
        other = submit(server, "b", 3)
        gated.reach("b", 1)
        server.pause(other)
        assert server.cancel(other).stopping is Stop.CANCEL
        assert server.pause(other).stopping is Stop.CANCEL
        assert server.resume(other).stopping is Stop.CANCEL
        gated.go()
        assert server.wait(other, LONG_S).state is State.CANCELLED
        assert server.resume(other).state is State.QUEUED  # once over, it may run again
        assert server.wait(other, LONG_S).state is State.DONE


def test_what_cannot_go_on_is_not_paused(tmp_path: Path) -> None:
    gated = Gated(resumable=False)
    with serving(tmp_path, gated) as server:
        number = submit(server, "a", 3)
        gated.reach("a", 1)
        with pytest.raises(InvalidRequestError, match="cancel it instead"):
            server.pause(number)
        assert server.look(number).stopping is None


def test_a_refusal_is_told_in_its_own_words_and_the_queue_goes_on(tmp_path: Path) -> None:
    gated = Gated()
    gated.go()
    with serving(tmp_path, gated) as server:
        refused, after = submit(server, refused=True), submit(server)
        assert server.wait(after, LONG_S).state is State.DONE
        failed = server.look(refused)
        assert (failed.state, failed.error, failed.result) == (State.FAILED, "the moon is full: wait", None)
        assert not server._traces.folder(refused).exists()
        again = server.resume(refused)
        assert (again.state, again.error) == (State.QUEUED, "")


def test_a_fault_of_the_program_is_written_down_whole_and_the_queue_goes_on(tmp_path: Path) -> None:
    gated = Gated()
    gated.go()
    with serving(tmp_path, gated) as server:
        faulty, after = submit(server, fault=True), submit(server)
        assert server.wait(after, LONG_S).state is State.DONE
        failed = server.look(faulty)
        assert failed.state is State.FAILED
        assert "ZeroDivisionError: a bug" in failed.error
        path = tmp_path / "jobs" / str(faulty) / "error.log"
        assert str(path) in failed.error
        log = path.read_text(encoding="utf-8")
        assert "Traceback" in log
        assert "fakes.py" in log
        assert "'fault': True" in log


def test_what_cannot_be_asked_is_refused_before_it_is_queued(tmp_path: Path) -> None:
    with serving(tmp_path, Gated()) as server:
        with pytest.raises(InvalidRequestError, match="choose from work"):
            server.submit("play", {}, "play")
        with pytest.raises(InvalidRequestError, match="below 0"):
            submit(server, steps=-1)
        with pytest.raises(InvalidRequestError, match="no job 7"):
            server.cancel(7)
        assert server.jobs() == []
        assert server.notice == ""


def test_a_job_of_a_kind_that_is_gone_fails_with_words(tmp_path: Path) -> None:
    gated = Gated()
    with serving(tmp_path, gated) as server:
        submit(server, "a")
        gated.reach("a", 1)
        number = submit(server, "b")
    with JobServer(tmp_path, {}) as server:
        assert "'work'" in server.wait(number, LONG_S).error


def test_curves_and_pictures_are_there_for_whoever_looks_later(tmp_path: Path) -> None:
    gated = Gated()
    gated.go()
    with serving(tmp_path, gated) as server:
        number = submit(server, steps=40, draws=True)
        server.wait(number, LONG_S)
    with serving(tmp_path, Gated()) as server:
        assert server.series(number) == {"train": [(float(n), 1.0 / n) for n in range(1, 41)]}
        assert server.series(number, 10)["train"] == [(float(n), 1.0 / n) for n in (*range(1, 41, 4), 40)]
        pictures = server.pictures(number)
        assert [one.label for one in pictures] == [f"step {n}" for n in range(1, 41)]
        with Image.open(pictures[29].path) as seen:
            assert seen.format == "JPEG"
            assert abs(seen.getpixel((4, 4))[0] - 30) < 8


def test_throttled_writes_lose_no_point_and_end_where_the_job_ends(tmp_path: Path) -> None:
    gated = Gated()
    gated.go()
    with serving(tmp_path, gated, write_every_s=1e9) as server:
        number = submit(server, steps=200)
        job = server.wait(number, LONG_S)
        assert (job.done, job.total, job.what) == (200, 200, "working")
        assert len(server.series(number)["train"]) == 200
        # Submitted, begun, the first event, the last one, done: five writes for two hundred events.
        assert server.changed().now == 5


def test_a_page_is_told_which_jobs_have_changed(tmp_path: Path) -> None:
    gated = Gated()
    with serving(tmp_path, gated) as server:
        now = server.changed()
        assert now.ids == ()
        a, b = submit(server, "a"), submit(server, "b")
        gated.reach("a", 1)
        now = server.changed(now.now)
        assert now.ids == (a, b)
        assert server.changed(now.now).ids == ()
        server.pause(b)
        now = server.changed(now.now)
        assert now.ids == (b,)
        gated.go()
        server.wait(a, LONG_S)
        assert server.changed(now.now).ids == (a,)


def test_history_is_bounded_and_its_files_go_with_it(tmp_path: Path) -> None:
    gated = Gated()
    gated.go()
    with serving(tmp_path, gated, keep=3) as server:
        held = submit(server, "held", 1, draws=True)
        server.wait(held, LONG_S)
        rest = [submit(server, str(n), 1, draws=True) for n in range(5)]
        server.wait(rest[-1], LONG_S)
    with serving(tmp_path, Gated(), keep=3) as server:
        assert [job.id for job in server.jobs()] == rest[:1:-1]
        assert sorted(int(path.name) for path in (tmp_path / "jobs").iterdir()) == rest[2:]
        assert server.series(held) == {}
        assert submit(server) == rest[-1] + 1  # numbers are never used twice


def test_closing_interrupts_what_runs_and_keeps_what_waits(tmp_path: Path) -> None:
    gated = Gated()
    with serving(tmp_path, gated) as server:
        a, b = submit(server, "a", 50), submit(server, "b", 1)
        gated.go(1)
        gated.reach("a", 2)
    again = Gated()
    with serving(tmp_path, again) as server:
        interrupted = server.look(a)
        assert interrupted.state is State.INTERRUPTED
        assert interrupted.resumable
        again.reach("b", 1)  # what waited goes on by itself
        again.go(1)
        assert server.wait(b, LONG_S).state is State.DONE
        server.resume(a)
        again.go()
        assert server.wait(a, LONG_S).state is State.DONE
        assert [x for x, _ in server.series(a)["train"]] == list(range(1, 51))


def test_what_begins_anew_loses_the_curves_of_its_last_attempt(tmp_path: Path) -> None:
    for resumable, kept in ((True, [1.0, 2.0]), (False, [])):
        gated = Gated(resumable=resumable)
        with serving(tmp_path / str(resumable), gated) as server:
            number = submit(server, "a", 9)
            gated.go(1)
            gated.reach("a", 2)
            server.cancel(number)
            gated.go(1)
            server.wait(number, LONG_S)
            assert [x for x, _ in server.series(number)["train"]] == [1.0, 2.0]
            server.resume(number)
            gated.reach("a", 1)
            assert [x for x, _ in server.series(number).get("train", [])] == kept


def test_a_disk_that_refuses_ends_no_job_and_is_told(tmp_path: Path) -> None:
    gated = Gated()
    with serving(tmp_path, gated) as server:
        number = submit(server, "a", 2, draws=True)
        gated.reach("a", 1)
        blocked = tmp_path / "jobs"
        blocked.write_bytes(b"a file where the folder should be")
        gated.go(1)
        gated.reach("a", 2)
        assert "could not be written" in server.notice
        blocked.unlink()
        gated.go(1)
        assert server.wait(number, LONG_S).state is State.DONE
        assert len(server.series(number)["train"]) == 2
        assert server.notice == ""


def test_jobs_wait_for_the_model_they_were_submitted_with(tmp_path: Path) -> None:
    gated = Gated()
    with serving(tmp_path, gated, base="one") as server:
        a = submit(server, "a", 1)
        gated.reach("a", 1)
        b = submit(server, "b", 1)
    gated = Gated()
    gated.go()
    with serving(tmp_path, gated, base="other") as server:
        c = submit(server, "c", 1)
        assert server.wait(c, LONG_S).state is State.DONE
        server.resume(a)
        assert server.wait(a, 0.0).what == "waits until the studio is opened with one"
        assert [state(server, number) for number in (a, b)] == [State.QUEUED] * 2
    assert gated.seen == ["c 1", "c closed"]
    with serving(tmp_path, gated, base="one") as server:
        assert server.wait(b, LONG_S).state is State.DONE
        assert state(server, a) is State.DONE


def test_a_job_is_followed_to_its_end(tmp_path: Path) -> None:
    gated = Gated()
    with serving(tmp_path, gated) as server:
        number = submit(server, "a", 3)
        following = server.follow(number, LONG_S)
        assert next(following).state in (State.QUEUED, State.RUNNING)
        gated.go()
        seen = list(following)
        assert [job.done for job in seen] == sorted(job.done for job in seen)
        assert (seen[-1].state, seen[-1].result) == (State.DONE, {"steps": 3})
        assert [job.state for job in server.follow(number, LONG_S)] == [State.DONE]
        assert list(server.follow(99, LONG_S)) == []  # there is none


def test_following_breathes_while_nothing_changes(tmp_path: Path) -> None:
    gated = Gated()
    with serving(tmp_path, gated) as server:
        number = submit(server, "a", 1)
        gated.reach("a", 1)
        following = server.follow(number, 0.01)
        assert next(following) == next(following)


def test_a_newer_wish_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    gated = Gated(resumable=False)
    with serving(tmp_path, gated) as server:

        def wish(name: str, page: str = "p") -> int:
            return server.replace("work", {"name": name, "steps": 2, "page": page, "draws": True}, name)

        running, waiting = wish("a"), submit(server, "x", 1)
        gated.go(1)
        gated.reach("a", 2)
        forgotten, elsewhere, newest = wish("b"), wish("c", "q"), wish("d")
        assert server.look(running).stopping is Stop.CANCEL
        with pytest.raises(InvalidRequestError, match="no job"):
            server.look(forgotten)
        assert [job.id for job in server.jobs()] == [running, newest, elsewhere, waiting]
        gated.go()
        assert server.wait(newest, LONG_S).state is State.DONE
        folder = server.pictures(newest)[0].path.parent
        last = wish("e")
        server.wait(last, LONG_S)
        assert not folder.exists()  # nor do its pictures stay
        assert {job.id for job in server.jobs() if job.asked.get("page") == "p"} == {last}
        with pytest.raises(InvalidRequestError, match="steps is below 0"):
            server.replace("work", {"steps": -1, "page": "p"}, "wrong")
