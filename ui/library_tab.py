"""The tab where LoRAs come in and become one subspace: adding, compressing, and the grid of all."""

from dataclasses import dataclass

import gradio as gr

from eigenlorax.studio import Studio
from ui import grid_text, looking_text, markup, text
from ui.beside import Beside, beside_room
from ui.compress_form import CompressForm, MoreForm, compress_form, more_form
from ui.grid import library_grid
from ui.grid_places import places_list
from ui.panel import panel
from ui.spectrum import SpectrumRoom, spectrum_room


@dataclass(frozen=True)
class Adding:
    """Where LoRAs come in."""

    drop: gr.File
    path: gr.Textbox
    add: gr.Button
    look_in: gr.Button
    results: gr.HTML
    places: gr.HTML


@dataclass(frozen=True)
class Knowing:
    """What is known of the collection, and what came of the work."""

    job: gr.HTML
    report_file: gr.File
    sheet: gr.Image
    table: gr.HTML
    fidelity: gr.HTML
    beside: Beside
    spectrum: SpectrumRoom


@dataclass(frozen=True)
class LibraryTab(Adding, CompressForm, MoreForm, Knowing):
    """The tab's parts, for those who wire them."""


def library_tab(studio: Studio) -> LibraryTab:
    """Lay the tab out; it comes to life in `ui.adding` and `ui.compressing`."""
    with gr.Row(elem_id="library-room"):
        with gr.Column(min_width=300, scale=4, elem_id="adding"):
            adding = _adding()
            form = compress_form(studio)
            more = more_form()
        with gr.Column(min_width=320, scale=9, elem_id="knowing"):
            knowing = _knowing(studio)
    return LibraryTab(**vars(knowing), **vars(more), **vars(form), **vars(adding))


def _adding() -> Adding:
    panel(markup.heading(text.ADD_HEADING))
    drop = gr.File(file_count="multiple", label=text.DROP, height=150, elem_id="drop")
    with gr.Group():
        path = gr.Textbox("", label=text.PATH, placeholder=text.PATH_HINT, elem_id="path", max_lines=1)
        with gr.Row(elem_id="bringing"):
            add = gr.Button(text.ADD, elem_id="add", size="sm", min_width=80)
            look_in = gr.Button(grid_text.LOOK_IN, elem_id="look-in", size="sm", min_width=80)
    return Adding(drop, path, add, look_in, panel(elem_id="results"), places_list())


def _knowing(studio: Studio) -> Knowing:
    job = panel(elem_id="job")
    report_file = gr.File(label=text.REPORT_FILE, interactive=False, visible=False, elem_id="report-file")
    sheet = gr.Image(
        label=looking_text.SHEET, interactive=False, visible=False, format="webp", elem_id="look-sheet",
        buttons=["download", "fullscreen"],
    )  # fmt: skip
    panel(markup.heading(grid_text.HEADING))
    table = library_grid(studio)
    fidelity = panel(markup.current_subspace(studio), elem_id="fidelity")
    return Knowing(job, report_file, sheet, table, fidelity, beside_room(studio), spectrum_room(studio))
