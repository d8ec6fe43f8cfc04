"""What happens when styles are compared with their LoRAs in pictures."""

from collections.abc import Iterator

import gradio as gr

from eigenlorax.cases.pictures import Looking
from eigenlorax.jobs.asked import as_json
from eigenlorax.jobs.job import Job
from eigenlorax.jobs.looking import LOOK, LookAsked
from ui import looking_text, markup
from ui.events import Updates
from ui.library_tab import LibraryTab
from ui.viewing import Asked, Show, Viewer


def wire_looking(viewer: Viewer, tab: LibraryTab) -> None:
    """Connect the button."""

    def look(names: list[str], prompts: str) -> Iterator[Updates]:
        """Draw styles beside their LoRAs, all styles when `names` is empty, and keep how far they are apart.

        `prompts` holds one prompt a line.
        """
        lines = tuple(line.strip() for line in prompts.splitlines() if line.strip())
        asked = as_json(LookAsked(tuple(names), Looking(lines)))
        yield from viewer.run(LOOK, lambda: Asked(asked, looking_text.of_styles(names)))

    tab.look.click(
        look, [tab.which, tab.prompts], [tab.job, tab.sheet, tab.cancel, viewer.seen], api_name="look",
        concurrency_limit=None, show_progress="hidden",
    )  # fmt: skip


def show_look(tab: LibraryTab) -> Show:
    """The sheet, and where the figures are."""

    def done(job: Job) -> Updates:
        found, seconds = job.result or {}, (job.ended or 0.0) - (job.started or 0.0)
        told = looking_text.looked(found["styles"], found["missing"], seconds)
        return {
            tab.job: markup.line(told, "good"),
            tab.sheet: gr.update(value=found["sheet"], visible=True),
        }

    return Show(done)
