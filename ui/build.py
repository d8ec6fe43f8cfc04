"""The whole page: a header, a tab for each room, and what they tell each other."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.events import Dependency

from eigenlorax.studio import Studio
from ui import export_text, markup, text
from ui.adding import wire_adding
from ui.canvas import wire_canvas
from ui.compare import wire_compare
from ui.compressing import wire_compressing
from ui.export_tab import ExportTab, export_tab
from ui.exporting import wire_exporting
from ui.generate import idle, wire_generate
from ui.generate_tab import GenerateTab, generate_tab
from ui.growing import wire_growing
from ui.library_tab import LibraryTab, library_tab, usable_names
from ui.looking import wire_looking
from ui.memory import wire_memory
from ui.morphing import wire_morphing
from ui.panel import panel
from ui.rack import rack_props
from ui.reporting import wire_reporting
from ui.settings import wire_settings


def build(studio: Studio) -> gr.Blocks:
    """The page for one studio."""
    with gr.Blocks(
        title=text.TITLE, analytics_enabled=False, delete_cache=(3600, 86400), fill_width=True
    ) as page:
        header = panel(markup.header(studio), script="header.js", elem_id="header")
        with gr.Tabs(elem_id="rooms") as rooms:
            with gr.Tab(text.GENERATE_TAB, id="generate"):
                generating = generate_tab(studio)
            with gr.Tab(text.LIBRARY_TAB, id="library"):
                library = library_tab(studio)
            with gr.Tab(export_text.TAB, id="export"):
                exporting = export_tab(studio)
        shown = _Shown(header, rooms, generating, library, exporting)
        _wire(studio, page, shown)
    return page


@dataclass(frozen=True)
class _Shown:
    """What the page is made of."""

    header: gr.HTML
    rooms: gr.Tabs
    generating: GenerateTab
    library: LibraryTab
    exporting: ExportTab


def _wire(studio: Studio, page: gr.Blocks, shown: _Shown) -> None:
    header, tab, library = shown.header, shown.generating, shown.library

    def renewed() -> dict[Any, Any]:
        return {
            header: markup.header(studio),
            library.fidelity: markup.current_subspace(studio),
            library.table: markup.library(studio),
            library.which: gr.Dropdown(usable_names(studio)),
            shown.exporting.original: gr.Dropdown(usable_names(studio)),
            tab.rack: gr.HTML(**rack_props(studio)),
        }

    def refresh(event: Dependency) -> Dependency:
        return event.then(
            renewed,
            outputs=[
                header,
                library.fidelity,
                library.table,
                library.which,
                shown.exporting.original,
                tab.rack,
            ],
            show_progress="hidden",
            api_visibility="private",
        )

    wire_adding(studio, library, refresh)
    wire_exporting(studio, shown.exporting, tab)
    growing = wire_growing(studio, library)
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    to_library = {"fn": lambda: gr.Tabs(selected="library"), "outputs": shown.rooms, **quiet}
    tab.rack.library(**to_library)
    compressing = wire_compressing(studio, library, tab.rack.compress(**to_library))
    for event in (*compressing, *growing):
        refresh(event)
    looking = wire_looking(studio, library)
    refresh(looking)
    measuring = [*compressing, *growing, looking, wire_reporting(studio, library)]
    drawing = [
        *wire_generate(studio, tab),
        *wire_compare(studio, tab),
        wire_morphing(studio, page, tab),
    ]
    wire_canvas(tab.asking.canvas, tab.asking.take_last, tab.seeing.picture)
    _cancel(tab.asking.cancel, tab.seeing.status, drawing)
    _cancel(library.cancel, library.job, measuring)
    refresh(wire_settings(tab.asking.fields, wire_memory(page, tab)))


def _cancel(button: gr.Button, status: gr.HTML, events: list[Dependency]) -> None:
    # In two steps: a last word of progress must not write over the news that it was cancelled.
    button.click(None, cancels=events).then(
        lambda: (markup.line(text.CANCELLED), idle()),
        outputs=[status, button],
        api_visibility="private",
        show_progress="hidden",
    )
