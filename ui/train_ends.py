"""What can be done with a style that has just been taught: try it, and give it away as a card."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from eigenlorax.jobs.carding import CARD
from eigenlorax.jobs.job import Job
from eigenlorax.jobs.server import JobServer
from ui import export_markup
from ui.events import Updates
from ui.rack import entries_of
from ui.train_tab import Watching
from ui.train_view import View
from ui.viewing import Asked, Show, Viewer

_TO_THE_RACK = (
    "() => { setTimeout(() => { window.scrollTo(0, 0); "
    "document.querySelector('#rack .style.on')?.scrollIntoView({block: 'nearest'}); }, 300); }"
)


def wire_ends(jobs: JobServer, watching: Watching, seen: gr.State, rack: gr.HTML, rooms: gr.Tabs) -> None:
    """Connect "Open in Generate" and "Style card"."""
    viewer = Viewer(
        jobs, watching.card_told, None, {CARD: Show(lambda job: {watching.card_told: shown(job)})}, []
    )

    def opened(taught: View, styles: str) -> Updates:
        return {rack: alone(styles, taught.style), rooms: gr.Tabs(selected="generate")}

    def card(taught: View) -> Iterator[Updates]:
        yield from viewer.run(CARD, lambda: Asked({"name": taught.style}, taught.style))

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    shown_there = watching.open.click(opened, [seen, rack], [rack, rooms], **quiet)
    shown_there.then(None, js=_TO_THE_RACK, api_visibility="private")
    watching.card.click(card, seen, viewer.outputs, concurrency_limit=None, **quiet)


def alone(styles: str, name: str) -> str:
    """The rack's value with one style on and the others off, their strengths as they were."""
    others = {other: {**entry, "on": False, "solo": False} for other, entry in entries_of(styles).items()}
    return json.dumps({**others, name: {"on": True, "strength": 1.0}})


def shown(job: Job) -> str:
    """The card that a job has written."""
    found = job.result or {}
    sides = found["carried_bytes"], found["file_bytes"], found["size"]
    return export_markup.carded(found["name"], Path(found["path"]), *sides)
