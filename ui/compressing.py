"""What happens when Compress is pressed."""

from collections.abc import Iterator
from typing import Any

import gradio as gr
from gradio.events import Dependency

from eigenlorax.studio import Studio
from eigenlorax.subspace.fit import FitProgress
from eigenlorax.subspaces.desk import Compressed, Making
from eigenlorax.subspaces.wish import Outliers, Wish
from ui import looking_text, markup, text
from ui.events import GPU, Updates, drive
from ui.generate import idle
from ui.library_tab import LibraryTab


def wire_compressing(studio: Studio, tab: LibraryTab, opened: Dependency) -> list[Dependency]:
    """Connect the Compress button and the rack's own; returns their events, so that Cancel can stop them.

    Args:
        opened: The rack's button has opened this tab. Compressing follows on that: of two listeners to one
            event the page starts the second when the first has ended.
    """

    def compress(
        names: list[str], retain: float, megabytes: float, exclude: str = "", apart: bool = False
    ) -> Iterator[Updates]:
        """Fit one shared subspace to LoRAs of the library: all usable ones when `names` is empty.

        `exclude` holds words, comma-separated; a LoRA whose name, trigger words or tags hold one is left out.

        `retain` in (0, 1] is the mean share of each LoRA's effect to keep; with `megabytes` above 0, the
        store is made as good as it can be within that size instead. `apart` looks for outliers first.
        """
        wish = Wish(
            retain=retain,
            budget=int(megabytes * 1e6) if megabytes else None,
            exclude=tuple(looking_text.words(exclude)),
            outliers=Outliers.APART if apart else Outliers.IN,
        )
        yield from drive(
            studio.subspaces.compress(names or None, wish),
            lambda event: {tab.job: _progress(event), tab.cancel: gr.update(interactive=True)},
            lambda result, seconds: _finished(tab, result, seconds) | {tab.cancel: idle()},
            lambda reason: {tab.job: markup.line(reason, "bad"), tab.cancel: idle()},
        )

    listen: dict[str, Any] = {
        "inputs": [tab.which, tab.quality, tab.size, tab.exclude, tab.outliers],
        "outputs": [tab.job, tab.fidelity, tab.cancel],
        "concurrency_id": GPU,
        "concurrency_limit": 1,
        "show_progress": "hidden",
    }
    return [
        tab.compress.click(compress, **listen, api_name="compress"),
        opened.then(compress, **listen, api_visibility="private"),
    ]


def _progress(event: Making) -> str:
    words = (
        text.module(event.done, event.total, str(event.module))
        if isinstance(event, FitProgress)
        else text.measuring(event.done, event.total, event.what)
    )
    return markup.progress(words, event.done, event.total)


def _finished(tab: LibraryTab, result: Compressed, seconds: float) -> Updates:
    sizes = (result.original_bytes, result.stored_bytes)
    line = markup.line(text.compressed(len(result.styles), *sizes, seconds), "good")
    return {tab.job: line, tab.fidelity: markup.compression(result)}
