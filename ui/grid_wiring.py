"""Folders of other programs that are used in place: named, scanned, and left again; and the grid's events."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency

from eigenlorax.errors import InvalidRequestError, StudioError
from eigenlorax.studio import Studio
from ui import grid_text, markup
from ui.events import Updates, warn
from ui.grid_places import places_props
from ui.library_tab import LibraryTab

Refresh = Callable[[Dependency], Dependency]


def wire_grid(tab: LibraryTab, rooms: gr.Tabs) -> None:
    """Connect what the grid asks of other parts of the page."""
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    tab.table.rack(lambda: gr.Tabs(selected="generate"), None, rooms, **quiet)

    def choose(names: list[str], event: gr.EventData) -> list[str]:
        """One more LoRA to compress."""
        return list(dict.fromkeys([*(names or []), event.name]))

    tab.table.choose(choose, tab.which, tab.which, **quiet)


def wire_places(studio: Studio, tab: LibraryTab, refresh: Refresh) -> None:
    """Connect the button that uses a folder in place, and those of the list."""

    def look_in(path: str) -> Iterator[Updates]:
        """Use a folder of LoRAs on the server's disk in place: nothing is copied, moved or written there."""
        cleaned, started = (path or "").strip().strip("\"'"), time.perf_counter()
        try:
            if not cleaned:
                raise InvalidRequestError(grid_text.NO_FOLDER)
            root = studio.collection.look_in(Path(cleaned))
        except StudioError as error:
            yield {tab.results: markup.line(warn(error), "bad")}
            return
        yield from _scanning(studio, tab)
        found = Counter(
            grid_text.VERDICTS[entry.report.verdict][0]
            for entry in studio.entries()
            if entry.report.path.is_relative_to(root)
        )
        told = grid_text.looked(root, found, time.perf_counter() - started)
        yield {tab.results: markup.line(told, "good"), tab.path: "", tab.places: _places(studio)}

    def rescan() -> Iterator[Updates]:
        """Look through all folders in place again."""
        started = time.perf_counter()
        yield from _scanning(studio, tab)
        told = grid_text.scanned(len(studio.entries()), time.perf_counter() - started)
        yield {tab.results: markup.line(told, "good"), tab.places: _places(studio)}

    def leave(event: gr.EventData) -> Updates:
        """Use a folder in place no longer."""
        root = Path(event.root)
        try:
            studio.collection.leave(root)
        except StudioError as error:
            return {tab.results: markup.line(warn(error), "bad")}
        return {tab.results: markup.line(grid_text.left(root)), tab.places: _places(studio)}

    outputs = [tab.results, tab.path, tab.places]
    quiet: dict[str, Any] = {"show_progress": "hidden", "outputs": outputs}
    refresh(tab.look_in.click(look_in, tab.path, api_name="look_in", **quiet))
    refresh(tab.places.rescan(rescan, None, api_name="rescan", **quiet))
    refresh(tab.places.leave(leave, None, api_visibility="private", **quiet))


def _scanning(studio: Studio, tab: LibraryTab) -> Iterator[Updates]:
    for event in studio.collection.scan():
        words = grid_text.looking(event.done, event.total, event.what)
        yield {tab.results: markup.progress(words, event.done, event.total)}


def _places(studio: Studio) -> gr.HTML:
    return gr.HTML(**places_props(studio))
