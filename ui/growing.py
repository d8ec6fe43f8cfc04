"""What happens when LoRAs join the subspace, when bases are fitted anew, and when styles are calibrated."""

from collections.abc import Callable, Iterator
from typing import Any

from eigenlorax.jobs.asked import as_json
from eigenlorax.jobs.compressing import CALIBRATE, CalibrateAsked
from eigenlorax.jobs.growing import GROW, REFIT, GrowAsked, RefitAsked
from eigenlorax.jobs.job import Facts, Job
from ui import growing_text, looking_text, markup
from ui.events import Updates
from ui.library_tab import LibraryTab
from ui.viewing import Asked, Show, Viewer


def wire_growing(viewer: Viewer, tab: LibraryTab) -> None:
    """Connect the buttons for joining, refitting and calibrating."""

    def grow(names: list[str], retain: float) -> Iterator[Updates]:
        """Bring chosen LoRAs into the current subspace without a new fit, by the fewest bytes."""
        asked = as_json(GrowAsked(tuple(names), retain))
        yield from viewer.run(GROW, lambda: Asked(asked, looking_text.of_loras(names)))

    def refit(retain: float) -> Iterator[Updates]:
        """Fit the bases anew to the LoRAs of all styles; until then pictures are drawn with the old."""
        yield from viewer.run(REFIT, lambda: Asked(as_json(RefitAsked(retain)), growing_text.ALL_STYLES))

    def calibrate(names: list[str]) -> Iterator[Updates]:
        """Let styles, by default all, learn to predict what their LoRAs predict; goes on where it stopped."""
        asked = as_json(CalibrateAsked(tuple(names)))
        yield from viewer.run(CALIBRATE, lambda: Asked(asked, looking_text.of_styles(names)))

    quiet: dict[str, Any] = {
        "outputs": [tab.job, tab.cancel, viewer.seen], "concurrency_limit": None, "show_progress": "hidden",
    }  # fmt: skip
    tab.grow.click(grow, [tab.which, tab.quality], api_name="grow", **quiet)
    tab.refit.click(refit, [tab.quality], api_name="refit", **quiet)
    tab.calibrate.click(calibrate, [tab.which], api_name="calibrate", **quiet)


def show_joining(tab: LibraryTab) -> Show:
    """What was decided for each LoRA, and whether a refit is advised."""

    def done(job: Job) -> Updates:
        found = job.result or {}
        advice = found["advice"]
        told = markup.line(growing_text.grown(found["decisions"], found["stored_bytes"]), "good")
        return {tab.job: told + (markup.line(advice, "fair") if advice else "")}

    return Show(done)


def show_told(tab: LibraryTab, words: Callable[[Facts, float], str]) -> Show:
    """Work that ends with one line.

    Args:
        tab: The tab.
        words: The result and the seconds it took -> the line.
    """

    def done(job: Job) -> Updates:
        seconds = (job.ended or 0.0) - (job.started or 0.0)
        return {tab.job: markup.line(words(job.result or {}, seconds), "good")}

    return Show(done)
