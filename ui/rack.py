"""The style rack: one HTML component for any number of styles; its value is one JSON text."""

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr

from eigenlorax.errors import InvalidRequestError
from eigenlorax.library.notes import Note
from eigenlorax.studio import LibraryEntry, Studio
from eigenlorax.subspace.style import Style
from eigenlorax.trigger_words import with_trigger_words
from ui.blending import answers
from ui.panel import panel, read_asset
from ui.rack_text import KEYS, LABEL, NOTHING_ON, WORDS
from ui.rack_value import EMPTY, entries_of, strengths, two_blends
from ui.thumbs import thumbnail_folder, thumbnail_url

__all__ = [
    "entries_of",
    "rack_props",
    "strengths",
    "strongest",
    "style_rack",
    "two_blends",
    "with_trigger_words",
]

_SCRIPTS = ("parts.js", "dials.js", "rack_state.js", "rack_row.js", "blend.js", "map.js", "rack.js")


def style_rack(studio: Studio) -> gr.HTML:
    """The rack, which waits for `rack_props`.

    Its value maps a style's name to `{"on": bool, "strength": float, "scale": float, "solo": bool, "mute":
    bool, "lock": bool, "dials": {...}}`; see `ui.dials` for the last. The empty name holds what belongs to
    the rack as a whole: the other of its two blends, and how it is shown. It sends nothing while a slider
    moves; whoever draws a picture reads its value.
    """
    return panel(
        EMPTY,
        script=_SCRIPTS,
        html_template=read_asset("rack.html"),
        label=LABEL,
        elem_id="rack",
        server_functions=answers(studio),
        styles="[]",
        usable=0,
        ready=False,
        words=dict(WORDS),
        keys=[list(key) for key in KEYS],
    )


def rack_props(studio: Studio) -> dict[str, Any]:
    """What the rack shows: its styles as one JSON text, and how many LoRAs wait to become styles.

    Gradio copies every property whenever one changes, and watches each object in it: of 500 styles as objects
    that took longer than all that the rack does.
    """
    entries = studio.entries()
    of_loras = {entry.style.name: entry for entry in entries if entry.style}
    folder = thumbnail_folder(studio)
    styles = [
        _shown(entry.style, thumbnail_url(entry.preview, folder), entry, entry.report.title)
        for entry in of_loras.values()
        if entry.style
    ]
    # A style that was taught, mixed, or came as a card has no LoRA here.
    styles += [
        _shown(style, thumbnail_url(studio.library.style_cover(style), folder), studio.collection.note(name))
        for name, style in studio.styles.items()
        if name not in of_loras
    ]
    usable = sum(entry.report.usable for entry in entries)
    return {"styles": json.dumps(styles), "usable": usable, "ready": True}


def _shown(style: Style, thumbnail: str, said: LibraryEntry | Note, title: str = "") -> dict[str, Any]:
    """What the rack shows of one style; `usual` is the strength that its author or the user advises."""
    kept = f"{style.fidelity.effect_kept:.0%}" if style.fidelity.original_bytes else ""
    return {
        "name": style.name,
        "title": title or style.name,
        "thumbnail": thumbnail,
        "words": ", ".join(style.trigger_words),
        "kept": kept,
        "usual": 1.0 if said.preferred_weight is None else said.preferred_weight,
        "favourite": bool(said.favourite),
    }


def strongest(blend: Mapping[str, float]) -> tuple[str, float]:
    """The style with the largest effect: its name and strength.

    Raises:
        InvalidRequestError: no style is in use.
    """
    if not any(blend.values()):
        raise InvalidRequestError(NOTHING_ON)
    return max(blend.items(), key=lambda item: abs(item[1]))
