"""What the page remembers in the user's own browser, so that a reload loses nothing that was typed."""

from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

GENERATE_KEY = "eigenlorax-studio-2"
TRAIN_KEY = "eigenlorax-studio-train-1"


def wire_memory(page: gr.Blocks, components: Mapping[str, Component], key: str) -> Dependency:
    """Keep a form in the browser; returns the event that restores it on load.

    Args:
        page: The page.
        components: The form's.
        key: The name that the browser keeps it under; another one for another set of components.
    """
    memory = gr.BrowserState(None, storage_key=key, secret=key)

    def restore(saved: Any) -> list[Any]:
        if not isinstance(saved, list) or len(saved) != len(components):
            return [gr.skip()] * len(components)
        return saved

    gr.on(
        [component.change for component in components.values()],
        None,
        inputs=list(components.values()),
        outputs=memory,
        js="(...values) => [values]",
        show_progress="hidden",
    )
    return page.load(
        restore, memory, list(components.values()), show_progress="hidden", api_visibility="private"
    )
