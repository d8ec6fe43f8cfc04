"""What the page remembers in the user's own browser, so that a reload loses nothing that was typed."""

from typing import Any

import gradio as gr
from gradio.events import Dependency

from ui.generate_tab import GenerateTab

STORAGE_KEY = "eigenlorax-studio-1"


def wire_memory(page: gr.Blocks, tab: GenerateTab) -> Dependency:
    """Keep the form and the rack in the browser; returns the event that restores them on load."""
    components = {**tab.asking.fields, "styles": tab.rack}
    memory = gr.BrowserState(None, storage_key=STORAGE_KEY, secret=STORAGE_KEY)

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
