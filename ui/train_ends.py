"""What can be done with a style that has just been taught: try it, and give it away as a card."""

import json
from collections.abc import Iterator
from typing import Any

import gradio as gr

from eigenlorax.export.cards import CardExport
from eigenlorax.library.card_content import CardKind
from eigenlorax.studio import Studio
from ui import export_markup, markup
from ui.events import GPU, Updates, drive
from ui.exporting import free_path
from ui.generate import drawing_line
from ui.rack import entries_of
from ui.train_tab import Watching
from ui.train_view import View


def wire_ends(studio: Studio, watching: Watching, seen: gr.State, rack: gr.HTML, rooms: gr.Tabs) -> None:
    """Connect "Open in Generate" and "Style card"."""

    def opened(shown: View, styles: str) -> Updates:
        return {rack: alone(styles, shown.style), rooms: gr.Tabs(selected="generate")}

    def card(shown: View) -> Iterator[Updates]:
        yield from drive(
            studio.cards.write(card_of(studio, shown.style)),
            lambda event: {watching.card_told: drawing_line(event)},
            lambda written, _: {watching.card_told: export_markup.carded(shown.style, written)},
            lambda reason: {watching.card_told: markup.line(reason, "bad")},
        )

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    watching.open.click(opened, [seen, rack], [rack, rooms], **quiet)
    watching.card.click(card, seen, watching.card_told, concurrency_id=GPU, concurrency_limit=1, **quiet)


def alone(styles: str, name: str) -> str:
    """The rack's value with one style on and the others off, their strengths as they were."""
    others = {other: {**entry, "on": False, "solo": False} for other, entry in entries_of(styles).items()}
    return json.dumps({**others, name: {"on": True, "strength": 1.0}})


def card_of(studio: Studio, name: str) -> CardExport:
    """A card that everyone with the same base model can use."""
    return CardExport(name, free_path(studio, name, ".png"), CardKind.WHOLE)
