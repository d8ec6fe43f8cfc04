"""The whole page: a header, a tab for each room, and what they tell each other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.events import Dependency

from eigenlorax.jobs.server import JobServer
from eigenlorax.studio import Studio
from ui import export_text, markup, text, train_text
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
from ui.memory import GENERATE_KEY, TRAIN_KEY, wire_memory
from ui.morphing import wire_morphing
from ui.panel import panel
from ui.rack import rack_props
from ui.recall import wire_recall
from ui.reporting import wire_reporting
from ui.settings import wire_settings
from ui.train_ends import wire_ends
from ui.train_tab import TrainTab, train_tab
from ui.training import wire_giving, wire_training
from ui.watching import Watch


def build(studio: Studio, jobs: JobServer) -> gr.Blocks:
    """The page for one studio and the queue of its long work."""
    with gr.Blocks(
        title=text.TITLE, analytics_enabled=False, delete_cache=(3600, 86400), fill_width=True
    ) as page:
        header = panel(markup.header(studio), script="header.js", elem_id="header")
        with gr.Tabs(elem_id="rooms") as rooms:
            with gr.Tab(text.GENERATE_TAB, id="generate"):
                generating = generate_tab(studio)
            with gr.Tab(text.LIBRARY_TAB, id="library"):
                library = library_tab(studio)
            with gr.Tab(train_text.TAB, id="train") as train_room:
                training = train_tab(studio)
            with gr.Tab(export_text.TAB, id="export"):
                exporting = export_tab(studio)
        shown = _Shown(header, rooms, generating, library, training, train_room, exporting)
        _wire(studio, jobs, page, shown)
    return page


@dataclass(frozen=True)
class _Shown:
    """What the page is made of."""

    header: gr.HTML
    rooms: gr.Tabs
    generating: GenerateTab
    library: LibraryTab
    training: TrainTab
    train_room: gr.Tab
    exporting: ExportTab


def _wire(studio: Studio, jobs: JobServer, page: gr.Blocks, shown: _Shown) -> None:
    header, tab, library = shown.header, shown.generating, shown.library

    def renewed() -> dict[Any, Any]:
        return {
            header: markup.header(studio),
            library.fidelity: markup.current_subspace(studio),
            library.table: markup.library(studio),
            library.which: gr.Dropdown(usable_names(studio)),
            shown.exporting.original: gr.Dropdown(usable_names(studio)),
            shown.exporting.style: gr.Dropdown(list(studio.styles)),
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
                shown.exporting.style,
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
        *wire_generate(studio, jobs, tab),
        *wire_compare(studio, tab),
        wire_morphing(studio, page, tab),
    ]
    wire_canvas(tab.asking.canvas, tab.asking.take_last, tab.seeing.picture)
    _cancel(tab.asking.cancel, tab.seeing.status, drawing)
    _cancel(library.cancel, library.job, measuring)
    wire_recall(studio, tab)
    remembered = {**tab.asking.fields, "styles": tab.rack}
    refresh(wire_settings(tab.asking.fields, wire_memory(page, remembered, GENERATE_KEY)))
    _wire_train(studio, jobs, page, shown, refresh)


def _wire_train(
    studio: Studio, jobs: JobServer, page: gr.Blocks, shown: _Shown, refresh: Callable[..., Dependency]
) -> None:
    training, rack = shown.training, shown.generating.rack
    watch = Watch(studio, jobs, training)
    wire_giving(studio, training)
    wire_training(studio, watch, jobs, [page.load, shown.train_room.select], training)
    wire_ends(studio, training.watching, watch.seen, rack, shown.rooms)
    wire_memory(page, training.giving.fields, TRAIN_KEY)
    refresh(gr.on(watch.ended.change, None))


def _cancel(button: gr.Button, status: gr.HTML, events: list[Dependency]) -> None:
    # In two steps: a last word of progress must not write over the news that it was cancelled.
    button.click(None, cancels=events).then(
        lambda: (markup.line(text.CANCELLED), idle()),
        outputs=[status, button],
        api_visibility="private",
        show_progress="hidden",
    )
