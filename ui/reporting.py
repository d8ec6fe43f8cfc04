"""What happens when the collection's report is asked for."""

from collections.abc import Iterator

import gradio as gr

from eigenlorax.jobs.asked import as_json
from eigenlorax.jobs.job import Job
from eigenlorax.jobs.looking import REPORT, ReportAsked
from ui import looking_text, markup
from ui.events import Updates
from ui.library_tab import LibraryTab
from ui.viewing import Asked, Show, Viewer


def wire_reporting(viewer: Viewer, tab: LibraryTab) -> None:
    """Connect the button."""

    def report(names: list[str]) -> Iterator[Updates]:
        """Measure what LoRAs of the library share, all usable ones when `names` is empty: an HTML page."""
        asked = as_json(ReportAsked(tuple(names)))
        yield from viewer.run(REPORT, lambda: Asked(asked, looking_text.of_loras(names)))

    tab.report.click(
        report, [tab.which], [tab.job, tab.report_file, tab.cancel, viewer.seen], api_name="report",
        concurrency_limit=None, show_progress="hidden",
    )  # fmt: skip


def show_report(tab: LibraryTab) -> Show:
    """What the report says in a few lines, and its file."""

    def done(job: Job) -> Updates:
        found = job.result or {}
        return {
            tab.job: markup.lines(*found["words"].splitlines()),
            tab.report_file: gr.update(value=found["path"], visible=True),
        }

    return Show(done)
