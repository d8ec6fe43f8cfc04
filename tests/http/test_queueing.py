"""The one queue as programs see it: progress, an end to a drawing, and an end to how much may wait."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from starlette.testclient import TestClient

from eigenlorax.errors import StudioError
from eigenlorax.http.access import Access
from eigenlorax.http.app import http_app
from eigenlorax.jobs.job import State
from eigenlorax.jobs.server import JobServer
from eigenlorax.studio import Studio
from tests.http.conftest import LOCAL, SMALL

LONG = {**SMALL, "prompt": "a cat", "steps": 150, "override_settings": {"show_progress_every_n_steps": 1}}


@contextmanager
def drawing(client: TestClient) -> Iterator["Future[httpx.Response]"]:
    """A drawing that is under way, and has shown a preview."""
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(client.post, "/sdapi/v1/txt2img", json=LONG)
        until = time.monotonic() + 10
        while not client.get("/sdapi/v1/progress").json()["current_image"]:
            assert time.monotonic() < until
            time.sleep(0.01)
        try:
            yield asked
        finally:
            client.post("/sdapi/v1/interrupt")


def test_progress_tells_and_interrupt_ends_within_a_step(client: TestClient, jobs: JobServer) -> None:
    with drawing(client) as asked:
        now = client.get("/sdapi/v1/progress").json()
        assert 0.01 < now["progress"] < 1
        assert now["state"]["sampling_steps"] == 150
        assert now["state"]["job_count"] == 1
        assert now["current_image"]
        assert client.get("/sdapi/v1/progress?skip_current_image=true").json()["current_image"] is None
        began = time.monotonic()
        assert client.post("/sdapi/v1/interrupt").json() == {}
        answer = asked.result(10)
        assert time.monotonic() - began < 1.0  # 150 steps take longer, and so does decoding
    assert answer.status_code == 200
    assert answer.json()["images"] == []
    assert json.loads(answer.json()["info"])["infotexts"] == []
    ended = jobs.jobs(1)[0]
    assert ended.state is State.CANCELLED
    assert ended.done < 150
    idle = client.get("/sdapi/v1/progress").json()
    assert (idle["progress"], idle["state"]["job_count"]) == (0.0, 0)


def test_interrupt_without_a_drawing_ends_nothing(client: TestClient, jobs: JobServer) -> None:
    waiting = jobs.submit("look", {}, "the user's own")
    jobs.pause(waiting)
    assert client.post("/sdapi/v1/interrupt").json() == {}
    assert jobs.look(waiting).state is not State.CANCELLED
    jobs.cancel(waiting)
    jobs.wait(waiting)


def test_a_full_queue_says_when_to_come_again(styled_studio: Studio, jobs: JobServer) -> None:
    with TestClient(http_app(styled_studio, jobs, Access(), most_waiting=1), base_url=LOCAL) as client:
        with drawing(client) as asked:
            refused = client.post("/sdapi/v1/txt2img", json={**SMALL, "prompt": "a dog"})
        asked.result(10)
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert "the queue is full (1 jobs run or wait)" in refused.json()["detail"]
        assert client.post("/sdapi/v1/txt2img", json={**SMALL, "prompt": "a dog"}).status_code == 200


def test_a_drawing_that_fails_says_why(
    client: TestClient, styled_studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise StudioError("the card fell out: put it back")

    monkeypatch.setattr(styled_studio, "generate", failing)
    answer = client.post("/sdapi/v1/txt2img", json={**SMALL, "prompt": "a cat"})
    assert answer.status_code == 500
    assert answer.json()["detail"] == "the card fell out: put it back"
