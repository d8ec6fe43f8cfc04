"""Pictures that jobs leave: the newest of each label, and a few replaced ones for slow pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from eigenlorax.jobs.server import JobServer
from eigenlorax.jobs.traces import LATE
from tests.jobs.fakes import Gated, serving, submit


@pytest.fixture
def server(tmp_path: Path) -> Iterator[JobServer]:
    gated = Gated()
    gated.go()
    with serving(tmp_path, gated) as found:
        yield found


def test_a_replaced_picture_stays_for_a_while_and_one_that_is_shown_stays(server: JobServer) -> None:
    number = submit(server, steps=1)
    server.wait(number, 30)
    traces = server._traces
    traces.keep(number, "first", Image.new("RGB", (8, 8)))
    folder = traces.folder(number)
    for _ in range(LATE + 8):
        traces.keep(number, "again", Image.new("RGB", (8, 8)))
    kept = {path.name for path in folder.glob("*.jpg")}
    shown = [one.path.name for one in traces.pictures(number)]
    last = LATE + 9
    assert shown == ["00001.jpg", f"{last:05d}.jpg"]
    assert kept == {"00001.jpg", *(f"{n:05d}.jpg" for n in range(last - LATE + 1, last + 1))}
