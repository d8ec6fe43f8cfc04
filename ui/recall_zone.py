"""Where a picture is dropped to be drawn again."""

import json
from html import escape

import gradio as gr

from ui import recall_text as words
from ui.panel import panel, read_asset

_WORDS = {"reading": words.READING, "drop": words.DROP}


def recall_zone() -> tuple[gr.HTML, gr.HTML]:
    """The zone, whose value is JSON of `path` and `name` of an upload, or of pasted `text`; and the news."""
    template = read_asset("recall.html").format(
        words=escape(json.dumps(_WORDS)),
        drop=escape(words.DROP),
        hint=escape(words.DROP_HINT),
        paste=escape(words.PASTE),
        paste_hint=escape(words.PASTE_HINT),
    )
    zone = panel("", script="recall.js", html_template=template, label=words.DROP, elem_id="recall")
    return zone, panel(elem_id="recalled")
