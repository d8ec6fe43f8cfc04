"""The strip under the header, on every tab: what runs, how many wait, and the whole queue behind a button."""

import json
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import gradio as gr

from eigenlorax.errors import StudioError
from eigenlorax.jobs.job import Job
from eigenlorax.jobs.server import JobServer
from ui import queue_text
from ui.panel import panel, read_asset
from ui.queue_view import queue_view

CHANGING = ("compress", "grow", "refit", "calibrate", "look", "import", "train", "previews", "use")
"""The kinds of work after which the library, the rack and the figures are others."""
ROOMS: Mapping[str, tuple[str, ...]] = {
    "drawing": ("generate", "redraw", "compare", "morph"),
    "measuring": ("compress", "grow", "refit", "calibrate", "look", "report", "previews", "use"),
    "incoming": ("import",),
    "sheets": ("sheet",),
    "beside": ("beside",),
}
"""Room of the page -> the kinds of work that it shows; the strip fires its name when there is a new one."""
_WORDS = {
    "idle": queue_text.IDLE, "label": queue_text.NAME, "open": queue_text.OPEN, "close": queue_text.CLOSE,
    "lost": queue_text.LOST,
    "empty": queue_text.EMPTY, "groups": queue_text.GROUPS, "acts": queue_text.ACTS,
}  # fmt: skip


def queue_strip(jobs: JobServer) -> gr.HTML:
    """The strip. It looks by itself, about once a second and twice as often while something runs.

    It fires `renewed` when the library has changed, and the name of a room when there is a job there that
    the page may not know of.
    """

    def look(since: int) -> dict[str, Any] | None:
        return queue_view(jobs, int(since), ROOMS, CHANGING)

    def act(wish: Mapping[str, Any]) -> str:
        return acted(jobs, str(wish.get("act")), int(wish.get("id", 0)))

    words = escape(json.dumps(_WORDS))
    template = read_asset("queue.html").replace("{label}", escape(queue_text.LABEL))
    return panel(
        "",
        script="queue.js",
        html_template=f'<div data-words="{words}">{template}</div>',
        label=queue_text.LABEL,
        elem_id="queue",
        server_functions=[look, act],
    )


def acted(jobs: JobServer, act: str, number: int) -> str:
    """Do what a button of the list says; returns why it cannot be done, or nothing."""

    def again(job: Job) -> None:
        # As a new job, which every page notices; work that can go on where it was does so by what is asked.
        jobs.submit(job.kind, job.asked, job.title)

    acts: Mapping[str, Callable[[int], object]] = {
        "cancel": jobs.cancel,
        "pause": jobs.pause,
        "resume": jobs.resume,
        "again": lambda one: again(jobs.look(one)),
        "up": lambda one: jobs.move(one, -1),
        "down": lambda one: jobs.move(one, 1),
    }
    try:
        if act in acts:
            acts[act](number)
    except StudioError as error:
        return queue_text.sentence(" ".join(str(error).split()))
    return ""
