"""What events of the page have in common: updates, and errors as one line for the user."""

import html
from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from eigenlorax.errors import StudioError

GPU = "gpu"
"""The concurrency id of short events that touch the model: one at a time, whatever the button."""

Updates = Mapping[Component, Any]


def warn(error: StudioError) -> str:
    """Tell the user what was wrong in a toast that interrupts nothing; returns its one line."""
    line = " ".join(str(error).split())
    line = line[:1].upper() + line[1:]
    gr.Warning(html.escape(line, quote=False), duration=7)
    return line
