"""The form of a compression: what, how near, and then; rarely used work stands apart, each with a line."""

from dataclasses import dataclass
from html import escape

import gradio as gr

from eigenlorax.cases.pictures import Looking
from eigenlorax.studio import Studio
from eigenlorax.subspaces.wish import DEFAULT_RETAIN
from ui import compress_text, grid_text, growing_text, looking_text, markup, text
from ui.grid_form import preview_form
from ui.panel import panel
from ui.terms import why
from ui.versions import versions_list


@dataclass(frozen=True)
class CompressForm:
    """What is asked of a compression, and its buttons."""

    which: gr.Dropdown
    exclude: gr.Dropdown
    outliers: gr.Checkbox
    quality: gr.Slider
    size: gr.Number
    estimate: gr.HTML
    compress: gr.Button
    cancel: gr.Button
    versions: gr.HTML


@dataclass(frozen=True)
class MoreForm:
    """Rarely used work."""

    grow: gr.Button
    refit: gr.Button
    calibrate: gr.Button
    report: gr.Button
    prompts: gr.Textbox
    look: gr.Button
    preview_prompt: gr.Textbox
    preview_seed: gr.Number
    preview_all: gr.Checkbox
    render: gr.Button


def compress_form(studio: Studio) -> CompressForm:
    """Lay the form out."""
    panel(markup.heading(text.COMPRESS_HEADING, text.COMPRESS_INFO))
    with gr.Group(elem_classes="compress-part"):
        panel(_part(compress_text.WHAT))
        which = gr.Dropdown(
            usable_names(studio), value=[], multiselect=True, label=text.WHICH, info=text.WHICH_INFO,
            elem_id="which",
        )  # fmt: skip
        exclude = gr.Dropdown(
            [], value=[], multiselect=True, allow_custom_value=True, label=looking_text.EXCLUDE,
            info=looking_text.EXCLUDE_INFO, elem_id="exclude",
        )  # fmt: skip
        outliers = gr.Checkbox(
            False, label=looking_text.OUTLIERS, info=looking_text.OUTLIERS_INFO, elem_id="outliers"
        )
    with gr.Group(elem_classes="compress-part"):
        panel(_part(compress_text.HOW_NEAR))
        quality = gr.Slider(
            0.5, 0.999, DEFAULT_RETAIN, step=0.001, label=text.QUALITY, info=text.QUALITY_INFO,
            elem_id="quality",
        )  # fmt: skip
        size = gr.Number(0, minimum=0, label=text.SIZE_LIMIT, info=text.SIZE_LIMIT_INFO, elem_id="size-limit")
    estimate = panel(elem_id="estimate")
    with gr.Row():
        compress = gr.Button(text.COMPRESS, variant="primary", elem_id="compress", scale=3, min_width=120)
        cancel = gr.Button(text.CANCEL, scale=1, min_width=90, interactive=False, elem_id="cancel-compress")
    return CompressForm(which, exclude, outliers, quality, size, estimate, compress, cancel, versions_list())


def more_form() -> MoreForm:
    """Lay out what is asked for now and then, closed at first."""
    with gr.Accordion(compress_text.MORE, open=False, elem_id="more-work"):
        grow = _work(text.GROW, compress_text.GROW_INFO, "grow")
        refit = _work(growing_text.REFIT, compress_text.REFIT_INFO, "refit", why("refit"))
        calibrate = _work(growing_text.CALIBRATE, compress_text.CALIBRATE_INFO, "calibrate", why("calibrate"))
        report = _work(text.REPORT, compress_text.REPORT_INFO, "report")
        panel(markup.heading(looking_text.LOOK_HEADING, looking_text.LOOK_INFO))
        prompts = gr.Textbox(
            "\n".join(Looking.prompts), label=looking_text.PROMPTS, info=looking_text.PROMPTS_INFO,
            lines=2, max_lines=6, elem_id="look-prompts",
        )  # fmt: skip
        look = gr.Button(looking_text.LOOK, size="sm", elem_id="look")
        panel(markup.heading(grid_text.PREVIEWS, grid_text.PREVIEWS_INFO))
        previews = preview_form()
    return MoreForm(grow, refit, calibrate, report, prompts, look, *previews)


def usable_names(studio: Studio) -> list[str]:
    """The LoRAs that can be compressed."""
    return [entry.report.name for entry in studio.entries() if entry.report.usable]


def _work(label: str, told: str, name: str, term: str = "") -> gr.Button:
    """A button for work that is asked for now and then, what it does, and the term that is ours, if any."""
    button = gr.Button(label, size="sm", elem_id=name)
    panel(f'<p class="line quiet work-told">{escape(told)} {term}</p>')
    return button


def _part(words: str) -> str:
    return f'<h3 class="compress-heading">{escape(words)}</h3>'
