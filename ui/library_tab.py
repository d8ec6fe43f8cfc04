"""The tab where LoRAs come in and become one subspace: adding, compressing, and the grid of all."""

from dataclasses import dataclass

import gradio as gr

from eigenlorax.picture_case import Looking
from eigenlorax.studio import Studio
from eigenlorax.subspaces.wish import DEFAULT_RETAIN
from ui import grid_text, growing_text, looking_text, markup, text
from ui.grid import library_grid
from ui.grid_form import preview_form
from ui.grid_places import places_list
from ui.panel import panel


@dataclass(frozen=True)
class LibraryTab:
    """The tab's parts, for those who wire them."""

    drop: gr.File
    path: gr.Textbox
    add: gr.Button
    look_in: gr.Button
    results: gr.HTML
    places: gr.HTML
    quality: gr.Slider
    size: gr.Number
    which: gr.Dropdown
    exclude: gr.Textbox
    outliers: gr.Checkbox
    compress: gr.Button
    cancel: gr.Button
    grow: gr.Button
    refit: gr.Button
    calibrate: gr.Button
    report: gr.Button
    report_file: gr.File
    prompts: gr.Textbox
    look: gr.Button
    preview_prompt: gr.Textbox
    preview_seed: gr.Number
    preview_all: gr.Checkbox
    render: gr.Button
    sheet: gr.Image
    job: gr.HTML
    fidelity: gr.HTML
    table: gr.HTML


def library_tab(studio: Studio) -> LibraryTab:
    """Lay the tab out; it comes to life in `ui.adding` and `ui.compressing`."""
    with gr.Row(elem_id="library-room"):
        with gr.Column(min_width=300, scale=4, elem_id="adding"):
            panel(markup.heading(text.ADD_HEADING))
            drop = gr.File(file_count="multiple", label=text.DROP, height=150, elem_id="drop")
            with gr.Group():
                path = gr.Textbox(
                    "", label=text.PATH, placeholder=text.PATH_HINT, elem_id="path", max_lines=1
                )
                with gr.Row(elem_id="bringing"):
                    add = gr.Button(text.ADD, elem_id="add", size="sm", min_width=80)
                    look_in = gr.Button(grid_text.LOOK_IN, elem_id="look-in", size="sm", min_width=80)
            results = panel(elem_id="results")
            places = places_list()
            panel(markup.heading(text.COMPRESS_HEADING, text.COMPRESS_INFO))
            quality = gr.Slider(
                0.5,
                0.999,
                DEFAULT_RETAIN,
                step=0.001,
                label=text.QUALITY,
                info=text.QUALITY_INFO,
                elem_id="quality",
            )
            size = gr.Number(
                0, minimum=0, label=text.SIZE_LIMIT, info=text.SIZE_LIMIT_INFO, elem_id="size-limit"
            )
            which = gr.Dropdown(
                usable_names(studio),
                value=[],
                multiselect=True,
                label=text.WHICH,
                info=text.WHICH_INFO,
                elem_id="which",
            )
            exclude = gr.Textbox(
                "",
                label=looking_text.EXCLUDE,
                info=looking_text.EXCLUDE_INFO,
                placeholder=looking_text.EXCLUDE_HINT,
                max_lines=1,
                elem_id="exclude",
            )
            outliers = gr.Checkbox(
                False, label=looking_text.OUTLIERS, info=looking_text.OUTLIERS_INFO, elem_id="outliers"
            )
            with gr.Row():
                compress = gr.Button(
                    text.COMPRESS, variant="primary", elem_id="compress", scale=3, min_width=120
                )
                cancel = gr.Button(
                    text.CANCEL, scale=1, min_width=90, interactive=False, elem_id="cancel-compress"
                )
            grow = gr.Button(text.GROW, size="sm", elem_id="grow")
            refit = gr.Button(growing_text.REFIT, size="sm", elem_id="refit")
            calibrate = gr.Button(growing_text.CALIBRATE, size="sm", elem_id="calibrate")
            report = gr.Button(text.REPORT, size="sm", elem_id="report")
            panel(markup.heading(looking_text.LOOK_HEADING, looking_text.LOOK_INFO))
            prompts = gr.Textbox(
                "\n".join(Looking.prompts), label=looking_text.PROMPTS, info=looking_text.PROMPTS_INFO,
                lines=2, max_lines=6, elem_id="look-prompts",
            )  # fmt: skip
            look = gr.Button(looking_text.LOOK, size="sm", elem_id="look")
            panel(markup.heading(grid_text.PREVIEWS, grid_text.PREVIEWS_INFO))
            preview_prompt, preview_seed, preview_all, render = preview_form()
        with gr.Column(min_width=320, scale=9, elem_id="knowing"):
            job = panel(elem_id="job")
            report_file = gr.File(
                label=text.REPORT_FILE, interactive=False, visible=False, elem_id="report-file"
            )
            sheet = gr.Image(
                label=looking_text.SHEET, interactive=False, visible=False, format="webp",
                elem_id="look-sheet", buttons=["download", "fullscreen"],
            )  # fmt: skip
            panel(markup.heading(grid_text.HEADING))
            table = library_grid(studio)
            fidelity = panel(markup.current_subspace(studio), elem_id="fidelity")
    return LibraryTab(
        drop, path, add, look_in, results, places, quality, size, which, exclude, outliers, compress, cancel,
        grow, refit, calibrate, report, report_file, prompts, look, preview_prompt, preview_seed, preview_all,
        render, sheet, job, fidelity, table,
    )  # fmt: skip


def usable_names(studio: Studio) -> list[str]:
    """The LoRAs that can be compressed."""
    return [entry.report.name for entry in studio.entries() if entry.report.usable]
