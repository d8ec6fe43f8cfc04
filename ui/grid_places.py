"""The folders in place as the page lists them."""

from typing import Any

import gradio as gr

from eigenlorax.studio import Studio
from ui import grid_text
from ui.panel import panel, read_asset

#: Sent with every change: a part of a tab that was not opened yet keeps only what came last.
_WORDS = grid_text.PLACES


def places_list() -> gr.HTML:
    """The folders in place, which wait for `places_props`."""
    return panel(
        "",
        script="places.js",
        html_template=read_asset("places.html"),
        label=grid_text.PLACES["heading"],
        elem_id="places",
        folders=[],
        words=_WORDS,
    )


def places_props(studio: Studio) -> dict[str, Any]:
    """What the list shows."""
    return {
        "folders": [
            {
                "root": str(one.root),
                "told": grid_text.in_place(one.kind, one.loras, one.foreign),
                "troubles": list(one.troubles),
            }
            for one in studio.collection.folders()
        ],
        "words": _WORDS,
    }
