"""What happens when styles are compared with their LoRAs in pictures."""

from collections.abc import Iterator
from typing import Any

import gradio as gr
from gradio.events import Dependency

from eigenlorax.picture_case import Compared, Looking, LookingProgress, compare_pictures
from eigenlorax.studio import Studio
from ui import looking_text, markup
from ui.events import GPU, Updates, drive
from ui.generate import idle
from ui.library_tab import LibraryTab


def wire_looking(studio: Studio, tab: LibraryTab) -> Dependency:
    """Connect the button; returns its event, so that Cancel can stop it."""

    def look(names: list[str], prompts: str) -> Iterator[Updates]:
        """Draw styles beside their LoRAs, all styles when `names` is empty, and keep how far they are apart.

        `prompts` holds one prompt a line.
        """
        lines = tuple(line.strip() for line in prompts.splitlines() if line.strip())
        yield from drive(
            compare_pictures(studio, names or None, Looking(lines)),
            lambda event: {tab.job: _progress(event), tab.cancel: gr.update(interactive=True)},
            lambda compared, seconds: _finished(tab, compared, seconds) | {tab.cancel: idle()},
            lambda reason: {tab.job: markup.line(reason, "bad"), tab.cancel: idle()},
        )

    listen: dict[str, Any] = {"concurrency_id": GPU, "concurrency_limit": 1, "show_progress": "hidden"}
    return tab.look.click(
        look, [tab.which, tab.prompts], [tab.job, tab.sheet, tab.cancel], **listen, api_name="look"
    )


def _progress(event: LookingProgress) -> str:
    return markup.progress(
        looking_text.progress(event.done, event.total, event.what), event.done, event.total
    )


def _finished(tab: LibraryTab, compared: Compared, seconds: float) -> Updates:
    told = looking_text.looked(len(compared.figures), compared.missing, seconds)
    return {tab.job: markup.line(told, "good"), tab.sheet: gr.update(value=compared.sheet, visible=True)}
