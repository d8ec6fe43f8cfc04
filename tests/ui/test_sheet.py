"""The Sheets tab on a tiny studio: what an axis offers, how large a sheet is, and the job that it becomes."""

from typing import Any

import pytest

from eigenlorax.jobs.opening import open_jobs
from eigenlorax.jobs.server import JobServer
from eigenlorax.jobs.sheeting import SHEET
from eigenlorax.studio import Studio
from tests.ui.asking import form
from ui import sheet


@pytest.fixture(scope="module")
def studio(styled_studio: Studio) -> Studio:
    return styled_studio


@pytest.fixture(scope="module")
def jobs(studio: Studio) -> Any:
    with open_jobs(studio) as jobs:
        yield jobs


def axes(**changed: Any) -> dict[str, Any]:
    values = {
        "columns_kind": "Style", "columns_values": ["no style", "neon"], "rows_kind": "Seed", "rows_values": ["1-2"],
        "within_kind": "", "within_values": [], "sheet_triggers": True,
    }  # fmt: skip
    return form() | values | changed


def test_an_axis_offers_what_is_there(studio: Studio) -> None:
    offer = sheet.offered(studio)
    worn = offer("Style", "", '{"chalk": {"on": true, "strength": 0.5}}')
    assert worn["value"] == ["no style", "chalk"]
    assert set(worn["choices"]) == {("no style", "no style"), "neon", "chalk"}
    assert set(offer("Style", "", "{}")["value"]) == {"no style", "neon", "chalk"}
    assert offer("Prompt", "a cat", "{}")["value"] == ["a cat"]
    assert offer("", "", "{}")["visible"] is False


def test_a_sheet_is_counted_drawn_as_a_job_and_found_drawn(studio: Studio, jobs: JobServer) -> None:
    told = sheet.counted(studio, jobs, axes())
    assert "2 columns × 2 rows: 4 pictures" in told
    assert "is known once" in told
    asked = sheet.asked_from(studio, axes())
    job = jobs.wait(jobs.submit(SHEET, asked.facts, asked.title), 60)
    assert job.result is not None
    assert [len(row) for row in job.result["cells"]] == [2, 2]
    assert [one.label for one in jobs.pictures(job.id)] == ["sheet"]
    assert "all drawn already" in sheet.counted(studio, jobs, axes())
    more = sheet.counted(studio, jobs, axes(rows_values=["1-3"]))
    assert "6 pictures, 4 of them drawn already · about" in more


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rows_kind": "Style", "rows_values": ["neon"]}, "two axes change the same"),
        ({"rows_values": []}, "there is no value"),
        ({"columns_values": ["no such style"]}, "no style named"),
        ({"rows_values": ["<b>"]}, "&lt;b&gt;"),
    ],
)
def test_what_cannot_be_drawn_is_said_while_it_is_chosen(
    studio: Studio, jobs: JobServer, change: dict[str, Any], reason: str
) -> None:
    assert reason.lower() in sheet.counted(studio, jobs, axes(**change)).lower()
