"""What happens when the styles' previews are drawn."""

from collections.abc import Iterator

from eigenlorax.cases.previews import PreviewWish
from eigenlorax.jobs.asked import as_json
from eigenlorax.jobs.job import Job
from eigenlorax.jobs.previews import PREVIEWS
from ui import grid_text, markup
from ui.events import Updates
from ui.library_tab import LibraryTab
from ui.viewing import Asked, Show, Viewer


def wire_previews(viewer: Viewer, tab: LibraryTab) -> None:
    """Connect the button."""

    def render(prompt: str, seed: float, anew: bool = False) -> Iterator[Updates]:
        """Draw every style without a picture at one prompt and seed; with `anew` also those that have one."""
        wish = PreviewWish(prompt=prompt or "", seed=int(seed or 0), anew=anew)
        yield from viewer.run(PREVIEWS, lambda: Asked(as_json(wish), grid_text.PREVIEW_JOB))

    tab.render.click(
        render, [tab.preview_prompt, tab.preview_seed, tab.preview_all], [tab.job, tab.cancel, viewer.seen],
        api_name="render_previews", concurrency_limit=None, show_progress="hidden",
    )  # fmt: skip


def show_previews(tab: LibraryTab) -> Show:
    """How many were drawn; the pictures themselves appear in the grid."""

    def done(job: Job) -> Updates:
        found, seconds = job.result or {}, (job.ended or 0.0) - (job.started or 0.0)
        told = grid_text.rendered(len(found["drawn"]), len(found["left"]), seconds)
        return {tab.job: markup.line(told, "good")}

    return Show(done)
