"""What happens when LoRAs join the subspace, and when its bases are fitted anew."""

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr
from gradio.events import Dependency

from eigenlorax.errors import InvalidRequestError, StudioError
from eigenlorax.studio import Studio
from eigenlorax.subspace.fit import FitProgress
from ui import growing_text, markup, text
from ui.events import GPU, Updates, drive, warn
from ui.generate import idle
from ui.library_tab import LibraryTab

_BACKGROUND = "background"
"""The concurrency id of a refit, which leaves the model to others while it runs."""


def wire_growing(studio: Studio, tab: LibraryTab) -> list[Dependency]:
    """Connect the buttons for joining and refitting; returns their events, so that Cancel can stop them."""

    def grow(names: list[str], retain: float) -> str:
        """Bring chosen LoRAs into the current subspace without a new fit, by the fewest bytes."""
        return joined(studio, names, retain)

    def refit(retain: float) -> Iterator[Updates]:
        """Fit the bases anew to the LoRAs of all styles; until then pictures are drawn with the old."""
        yield from drive(
            studio.growth.refit(retain),
            lambda event: {tab.job: _progress(event), tab.cancel: gr.update(interactive=True)},
            lambda result, seconds: {
                tab.job: markup.line(growing_text.refitted(result, seconds), "good"),
                tab.cancel: idle(),
            },
            lambda reason: {tab.job: markup.line(reason, "bad"), tab.cancel: idle()},
        )

    def calibrate(names: list[str]) -> Iterator[Updates]:
        """Let styles, by default all, learn to predict what their LoRAs predict; goes on where it stopped."""
        yield from drive(
            studio.growth.calibrate(names or None),
            lambda event: {
                tab.job: markup.progress(
                    text.measuring(event.done, event.total, event.what), event.done, event.total
                ),
                tab.cancel: gr.update(interactive=True),
            },
            lambda result, seconds: {
                tab.job: markup.line(growing_text.calibrated(result, seconds), "good"),
                tab.cancel: idle(),
            },
            lambda reason: {tab.job: markup.line(reason, "bad"), tab.cancel: idle()},
        )

    quiet: dict[str, Any] = {"concurrency_limit": 1, "show_progress": "hidden"}
    return [
        tab.grow.click(grow, [tab.which, tab.quality], tab.job, api_name="grow", concurrency_id=GPU, **quiet),
        tab.refit.click(
            refit, [tab.quality], [tab.job, tab.cancel], api_name="refit", concurrency_id=_BACKGROUND, **quiet
        ),
        tab.calibrate.click(
            calibrate, [tab.which], [tab.job, tab.cancel], api_name="calibrate", concurrency_id=GPU, **quiet
        ),
    ]


def joined(studio: Studio, names: Sequence[str], retain: float) -> str:
    """Bring LoRAs in; what was decided for each, and whether a refit is advised, as lines."""
    try:
        if not names:
            raise InvalidRequestError(text.NOTHING_CHOSEN)
        added = [studio.growth.add(name, retain) for name in names]
    except StudioError as error:
        return markup.line(warn(error), "bad")
    told = markup.line(growing_text.grown(added, studio.stored_bytes), "good")
    advice = added[-1].advice.words
    return told + (markup.line(advice, "fair") if advice else "")


def _progress(event: FitProgress) -> str:
    words = growing_text.refitting(event.done, event.total, str(event.module))
    return markup.progress(words, event.done, event.total)
