"""Jobs as the page looks at them: watched, left, found again, stopped, replaced, and listed."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from eigenlorax.jobs.job import State
from eigenlorax.jobs.opening import workers_of
from eigenlorax.jobs.server import JobServer
from eigenlorax.studio import Studio
from tests.conftest import CPU
from tests.jobs.fakes import LONG_S, Gated
from ui import queue, queue_text
from ui.panel import read_asset
from ui.pictures import kept_sheet
from ui.queue import acted
from ui.queue_view import queue_view
from ui.viewing import Asked, Show, Viewer


class Page:
    """A line, a button and a room of one kind of work."""

    def __init__(self, jobs: JobServer) -> None:
        self.line, self.button = gr.HTML(), gr.Button()
        shows = {"work": Show(lambda job: {self.line: f"did {job.result}"})}
        self.viewer = Viewer(jobs, self.line, self.button, shows, [])

    def told(self, updates: Iterator[Mapping[Any, Any]]) -> list[str]:
        """What the line says, until the handler is through."""
        return [one[self.line] for one in updates if self.line in one]


@pytest.fixture
def gated() -> Gated:
    return Gated(resumable=False)


@pytest.fixture
def jobs(tmp_path: Path, gated: Gated) -> Iterator[JobServer]:
    with JobServer(tmp_path, {"work": gated.worker}, write_every_s=0.0) as jobs:
        yield jobs
        jobs.close(0.0)
        gated.go()


@pytest.fixture
def page(jobs: JobServer) -> Page:
    async def built() -> Page:
        with gr.Blocks():
            return Page(jobs)

    return asyncio.run(built())


def asked(name: str = "a", steps: int = 2, **more: object) -> Asked:
    return Asked({"name": name, "steps": steps, **more}, name)


def test_a_job_is_watched_to_its_end(page: Page, gated: Gated) -> None:
    looking = page.viewer.run("work", asked)
    assert next(looking) == {page.viewer.seen: 1}
    during = next(looking)
    assert "<progress" in during[page.line] and during[page.button]["interactive"] is True
    gated.go()
    *_, end = looking
    assert end[page.line] == "did {'steps': 2}" and end[page.button]["interactive"] is False


def test_closing_the_viewer_stops_nothing_and_another_finds_the_job(
    page: Page, jobs: JobServer, gated: Gated
) -> None:
    looking = page.viewer.run("work", asked)
    assert next(looking) == {page.viewer.seen: 1}
    next(looking)
    looking.close()  # the page is gone
    gated.reach("a", 1)
    again = page.viewer.follow(0)
    assert next(again) == {page.viewer.seen: 1}
    assert "<progress" in next(again)[page.line]
    gated.go()
    assert page.told(again)[-1] == "did {'steps': 2}"
    assert page.told(page.viewer.follow(1)) == []  # what this page has seen is not shown again
    assert page.told(page.viewer.follow(0)) == ["did {'steps': 2}"]  # but a page just loaded shows it


def test_what_cannot_be_done_is_one_line(page: Page, jobs: JobServer, gated: Gated) -> None:
    gated.go()
    with pytest.warns(UserWarning, match="below 0"):
        (line,) = page.told(page.viewer.run("work", lambda: asked(steps=-1)))
    assert line == '<p class="line bad" role="status">Steps is below 0: choose more</p>'
    with pytest.warns(UserWarning, match="moon"):
        told = page.told(page.viewer.run("work", lambda: asked(refused=True)))
    assert "The moon is full: wait" in told[-1]
    assert [job.state for job in jobs.jobs()] == [State.FAILED]


def test_stop_cancels_what_runs_and_says_so(page: Page, jobs: JobServer, gated: Gated) -> None:
    looking = page.viewer.run("work", lambda: asked(steps=50))
    next(looking)
    gated.reach("a", 1)
    page.viewer.stop()
    gated.go(1)
    assert "Cancelled" in page.told(looking)[-1]
    assert gated.seen == ["a 1", "a closed"]


def test_only_the_newest_wish_of_a_page_counts(page: Page, jobs: JobServer, gated: Gated) -> None:
    def wish(name: str, page_name: str = "mine") -> Iterator[Mapping[Any, Any]]:
        looking = page.viewer.replace("work", lambda: asked(name, 3, page=page_name))
        next(looking)
        return looking

    first = wish("first")
    gated.reach("first", 1)
    other = wish("other", "another page")
    second, third = wish("second"), wish("third")
    gated.go(1)
    gated.reach("third", 1)  # ahead of the other page's, though it came later
    assert not any("Cancelled" in line for line in page.told(first))
    assert page.told(second) == []
    gated.go()
    assert page.told(third)[-1] == page.told(other)[-1] == "did {'steps': 3}"
    assert [one for one in gated.seen if one.startswith(("first", "second"))] == ["first 1", "first closed"]
    wish("fourth")
    assert [job.title for job in jobs.jobs() if job.asked["page"] == "mine"] == ["fourth"]  # no trail


def test_every_kind_of_work_is_named_and_has_a_room(tmp_path: Path, tiny_model: Path) -> None:
    kinds = set(workers_of(Studio(str(tiny_model), tmp_path, CPU)))
    # The Train tab shows its own by itself; the others are asked for by programs, which get the answer.
    elsewhere = {"train", "card", "request", "export"}
    assert {kind for room in queue.ROOMS.values() for kind in room} | elsewhere == kinds
    assert set(queue.CHANGING) <= kinds <= set(queue_text.KINDS)
    script = read_asset("queue.js")
    assert all(f'"{name}"' in script for name in (*queue.ROOMS, "renewed"))


ROOMS = {"room": ("work",)}


def test_the_strip_is_told_of_news_only(jobs: JobServer, gated: Gated) -> None:
    first = queue_view(jobs, -1, ROOMS, ("work",))
    assert first is not None and first["groups"] == {
        "running": [], "waiting": [], "paused": [], "history": [],
    }  # fmt: skip
    assert queue_view(jobs, first["now"], ROOMS, ("work",)) is None
    numbers = [
        jobs.submit("work", {"name": name, "steps": 1, "refused": name == "a"}, name) for name in "abcd"
    ]
    gated.reach("a", 1)
    seen = queue_view(jobs, first["now"], ROOMS, ("work",))
    assert seen is not None
    (running,) = seen["groups"]["running"]
    assert (running["title"], running["acts"]) == ("a", ["cancel"])
    assert [row["acts"] for row in seen["groups"]["waiting"]] == [
        ["down", "cancel"], ["up", "down", "cancel"], ["up", "cancel"],
    ]  # fmt: skip
    assert (seen["rooms"], seen["summary"], seen["renewed"]) == ({"room": numbers[-1]}, "3 waiting", 0.0)
    assert acted(jobs, "up", numbers[2]) == acted(jobs, "cancel", numbers[3]) == ""
    gated.go()
    jobs.wait(numbers[1], LONG_S)
    over = queue_view(jobs, seen["now"], ROOMS, ("work",))
    assert over is not None and over["renewed"] > 0.0
    rows = {row["title"]: row for row in over["groups"]["history"]}
    assert rows["a"]["words"] == "The moon is full: wait" and rows["a"]["tone"] == "bad"
    assert all(row["acts"] == ["again"] for row in rows.values())


def test_again_and_refusals(jobs: JobServer, gated: Gated) -> None:
    gated.go()
    number = jobs.submit("work", {"name": "a", "steps": 1}, "a")
    jobs.wait(number, LONG_S)
    assert acted(jobs, "again", number) == ""
    assert jobs.wait(number + 1, LONG_S).state is State.DONE
    assert acted(jobs, "resume", number) == "A is done: ask for it anew to have it once more"
    assert "no job 99" in acted(jobs, "cancel", 99)


def test_what_a_crash_interrupted_is_said_and_can_be_asked_for_again(
    page: Page, jobs: JobServer, gated: Gated
) -> None:
    number = jobs.submit("work", {"name": "a", "steps": 2}, "a <b>")
    gated.reach("a", 1)
    jobs.close(0.0)
    gated.go(1)  # the worker's next event is its last
    assert jobs.wait(number, LONG_S).state is State.INTERRUPTED
    (line,) = page.told(page.viewer.follow(0))
    assert "“a &lt;b&gt;” was interrupted" in line
    view = queue_view(jobs, -1, ROOMS, ())
    assert view is not None
    assert [(row["state"], row["acts"]) for row in view["groups"]["history"]] == [("interrupted", ["again"])]
    assert acted(jobs, "again", number) == ""
    anew = next(job for job in jobs.jobs() if job.state is State.QUEUED)
    assert anew.id > number  # so that every page notices it
    assert anew.asked == jobs.look(number).asked


def test_previews_are_one_file_for_all_pages_and_the_last_few_stay(tmp_path: Path) -> None:
    assert kept_sheet([]) is None
    for number in range(1, 44):
        previews = [tmp_path / f"{2 * number + place:05d}.jpg" for place in (0, 1)]
        for path in previews:
            Image.new("RGB", (8, 8), "red").save(path)
        shown = kept_sheet(previews)
        assert shown is not None and kept_sheet(previews) == shown
    with Image.open(shown) as image:
        assert image.size == (2 * 64 + 4, 64)
    assert len(list(tmp_path.glob("sheet-*.webp"))) == 40
    assert kept_sheet([tmp_path / "99999.jpg"]) is None  # gone meanwhile
    assert not list(tmp_path.glob(".writing-*"))
