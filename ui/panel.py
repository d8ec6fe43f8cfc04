"""The page's own pieces of HTML, without Gradio's typography on them."""

from pathlib import Path
from typing import Any

import gradio as gr

from ui.theme import ASSETS


def panel(value: str = "", *, script: str | tuple[str, ...] = (), **options: Any) -> gr.HTML:
    """A piece of the page that shows HTML made in `ui.markup`; an empty one takes no room.

    Args:
        value: The HTML.
        script: A file in assets, or several in their order, that run when the piece appears.
        options: As `gr.HTML` takes them.
    """
    names = (script,) if isinstance(script, str) else script
    js = "\n".join(read_asset(name) for name in names)
    return gr.HTML(value, js_on_load=js or None, apply_default_css=False, **options)


def read_asset(name: str) -> str:
    """The text of a file in assets."""
    return Path(ASSETS / name).read_text(encoding="utf-8")
