"""What happens when the collection's report is asked for."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency

from eigenlorax.census_case import CensusTaken, census_of
from eigenlorax.picture_case import LookingProgress
from eigenlorax.studio import Studio
from eigenlorax.subspace.census import CensusProgress
from ui import markup, text
from ui.events import GPU, Updates, drive
from ui.exporting import free_path
from ui.library_tab import LibraryTab

Measured = CensusProgress | LookingProgress


def wire_reporting(studio: Studio, tab: LibraryTab) -> Dependency:
    """Connect the button; returns its event, so that Cancel can stop it."""

    def report(names: list[str]) -> Iterator[Updates]:
        """Measure what LoRAs of the library share, all usable ones when `names` is empty: an HTML page."""
        yield from drive(
            _made(studio, names),
            lambda event: {tab.job: _progress(event), tab.cancel: gr.update(interactive=True)},
            lambda made, _: _finished(tab, *made) | {tab.cancel: gr.update(interactive=False)},
            lambda reason: {tab.job: markup.line(reason, "bad"), tab.cancel: gr.update(interactive=False)},
        )

    listen: dict[str, Any] = {"concurrency_id": GPU, "concurrency_limit": 1, "show_progress": "hidden"}
    return tab.report.click(
        report, [tab.which], [tab.job, tab.report_file, tab.cancel], **listen, api_name="report"
    )


def _progress(event: Measured) -> str:
    return markup.progress(text.measured(event.done, event.total, event.what), event.done, event.total)


def _made(studio: Studio, names: list[str]) -> Generator[Measured, None, tuple[CensusTaken, Path]]:
    taken = yield from census_of(studio, names or None)
    path = free_path(studio, "collection-report", ".html")
    taken.write(path)
    return taken, path


def _finished(tab: LibraryTab, taken: CensusTaken, path: Path) -> dict[Any, Any]:
    return {
        tab.job: markup.lines(*taken.words.splitlines()),
        tab.report_file: gr.update(value=str(path), visible=True),
    }
