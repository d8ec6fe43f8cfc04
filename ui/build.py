"""The whole page: a header, a tab for each room, and what they tell each other."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.events import Dependency

from eigenlorax.jobs.server import JobServer
from eigenlorax.outputs.outputs import Outputs
from eigenlorax.outputs.trash import Trash
from eigenlorax.studio import Studio
from ui import export_text, gallery_text, markup, sheet_text, text, train_text
from ui.beside import renewed_beside, wire_beside
from ui.canvas import wire_canvas
from ui.compress_estimate import wire_estimate
from ui.compress_form import usable_names
from ui.control import wire_control
from ui.export_tab import ExportTab, export_tab
from ui.exporting import wire_exporting
from ui.gallery import wire_gallery, wire_learning_from
from ui.gallery_tab import gallery_tab
from ui.generate_tab import GenerateTab, generate_tab
from ui.grid import grid_props
from ui.grid_places import places_props
from ui.grid_wiring import wire_grid, wire_places
from ui.library_tab import LibraryTab, library_tab
from ui.memory import GENERATE_KEY, TRAIN_KEY, wire_memory
from ui.panel import panel
from ui.prompting import wire_prompting
from ui.queue import queue_strip
from ui.rack import rack_props
from ui.recall import wire_recall
from ui.rooms import wire_drawing, wire_following, wire_incoming, wire_measuring
from ui.settings import wire_settings
from ui.sheet import wire_sheets
from ui.sheet_tab import sheet_tab
from ui.spectrum import renewed_spectrum, wire_spectrum
from ui.train_ends import wire_ends
from ui.train_tab import TrainTab, train_tab
from ui.training import wire_giving, wire_training
from ui.versions import versions_props
from ui.watching import Watch


def build(studio: Studio, jobs: JobServer) -> gr.Blocks:
    """The page for one studio and the queue of its long work."""
    outputs = Outputs(studio.library.root)
    with gr.Blocks(
        title=text.TITLE, analytics_enabled=False, delete_cache=(3600, 86400), fill_width=True
    ) as page:
        header = panel(markup.header(studio), script="header.js", elem_id="header")
        strip = queue_strip(jobs)
        with gr.Tabs(elem_id="rooms") as rooms:
            with gr.Tab(text.GENERATE_TAB, id="generate"):
                generating = generate_tab(studio)
            with gr.Tab(gallery_text.TAB, id="gallery") as gallery_room:
                gallery = gallery_tab(outputs, Trash(outputs, studio.library.root))
            with gr.Tab(sheet_text.TAB, id="sheets") as sheet_room:
                sheets = sheet_tab()
            with gr.Tab(text.LIBRARY_TAB, id="library") as library_room:
                library = library_tab(studio)
            with gr.Tab(train_text.TAB, id="train") as train_room:
                training = train_tab(studio)
            with gr.Tab(export_text.TAB, id="export") as export_room:
                exporting = export_tab(studio)
        shown = _Shown(
            header,
            strip,
            rooms,
            generating,
            library,
            library_room,
            training,
            train_room,
            exporting,
            export_room,
        )
        _wire(studio, jobs, page, shown)
        gallery_room.select(
            lambda: gr.HTML(stamp=outputs.stamp()), outputs=gallery,
            show_progress="hidden", api_visibility="private",
        )  # fmt: skip
        drawing_sheets = wire_sheets(studio, jobs, page, sheet_room.select, sheets, generating)
        wire_following(strip, {"sheets": drawing_sheets})
        wire_gallery(studio, jobs, outputs, gallery, rooms, generating)
        wire_learning_from(studio, outputs, gallery, rooms, training)
    return page


@dataclass(frozen=True)
class _Shown:
    """What the page is made of."""

    header: gr.HTML
    strip: gr.HTML
    rooms: gr.Tabs
    generating: GenerateTab
    library: LibraryTab
    library_room: gr.Tab
    training: TrainTab
    train_room: gr.Tab
    exporting: ExportTab
    export_room: gr.Tab


def _wire(studio: Studio, jobs: JobServer, page: gr.Blocks, shown: _Shown) -> None:
    header, tab, library = shown.header, shown.generating, shown.library

    def renewed() -> dict[Any, Any]:
        return {
            header: markup.header(studio),
            library.fidelity: markup.current_subspace(studio),
            library.table: gr.HTML(**grid_props(studio)),
            library.places: gr.HTML(**places_props(studio)),
            library.which: gr.Dropdown(usable_names(studio)),
            library.versions: gr.HTML(**versions_props(studio, jobs)),
            **renewed_beside(studio, library.beside),
            **renewed_spectrum(studio, library.spectrum),
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
                library.places,
                library.which,
                library.versions,
                library.beside.style,
                library.beside.room,
                library.beside.slider,
                library.beside.captions,
                library.spectrum.plot,
                library.spectrum.fold,
                shown.exporting.original,
                shown.exporting.style,
                tab.rack,
            ],
            show_progress="hidden",
            api_visibility="private",
        )

    # The rack first: of all that the page asks for when it opens, it is what one waits for.
    refresh(page.load(None))
    wire_exporting(studio, shown.export_room, shown.exporting, tab)
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    to_library = {"fn": lambda: gr.Tabs(selected="library"), "outputs": shown.rooms, **quiet}
    tab.rack.library(**to_library)
    rooms = {
        "drawing": wire_drawing(studio, jobs, page, tab),
        "measuring": wire_measuring(studio, jobs, library, tab.rack.compress(**to_library)),
        "incoming": wire_incoming(studio, jobs, library),
        "beside": wire_beside(studio, jobs, library.beside, library.prompts),
    }
    wire_estimate(studio, library, shown.library_room.select, shown.strip.renewed)
    wire_spectrum(studio, library.spectrum)
    wire_following(shown.strip, rooms)
    wire_places(studio, library, refresh)
    wire_grid(library, shown.rooms)
    refresh(shown.strip.renewed(None))
    refresh(tab.rack.kept(None))
    wire_prompting(studio, page, tab.asking.prompting, tab.asking.fields, tab.rack)
    wire_canvas(tab.asking.canvas, tab.asking.take_last, tab.seeing.picture)
    wire_control(studio, page, tab.asking.control)
    wire_recall(studio, tab)
    remembered = {**tab.asking.fields, "styles": tab.rack}
    wire_settings(tab.asking.fields, wire_memory(page, remembered, GENERATE_KEY))
    _wire_train(studio, jobs, page, shown)


def _wire_train(studio: Studio, jobs: JobServer, page: gr.Blocks, shown: _Shown) -> None:
    training, rack = shown.training, shown.generating.rack
    watch = Watch(studio, jobs, training)
    wire_giving(studio, training)
    wire_training(studio, watch, jobs, [page.load, shown.train_room.select], training)
    wire_ends(jobs, training.watching, watch.seen, rack, shown.rooms)
    wire_memory(page, training.giving.fields, TRAIN_KEY)
