"""The tab where styles go out: as a LoRA for other programs, as a bundle, or melted into a model."""

from collections.abc import Mapping
from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from eigenlorax.export.cards import CardExport
from eigenlorax.studio import Studio
from ui import export_text, markup
from ui.compress_form import usable_names
from ui.panel import panel
from ui.terms import why


@dataclass(frozen=True)
class ExportTab:
    """The tab's parts, for those who wire them.

    Attributes:
        fields: Name -> component, as the handlers get them.
        lora_only: What only a LoRA file needs, shown and hidden together.
        card_only: What only a style card needs.
    """

    fields: Mapping[str, Component]
    lora_only: gr.Group
    card_only: gr.Group
    original: gr.Dropdown
    style: gr.Dropdown
    predict: gr.Button
    export: gr.Button
    status: gr.HTML
    file: gr.File


def export_tab(studio: Studio) -> ExportTab:
    """Lay the tab out; it comes to life in `ui.exporting`."""
    with gr.Row(elem_id="export-room"):
        with gr.Column(min_width=320, scale=5):
            panel(markup.heading(export_text.HEADING, export_text.INFO))
            what = gr.Radio(export_text.EXPORTS, value="blend", label=export_text.WHAT, elem_id="export-what")
            original = gr.Dropdown(
                usable_names(studio),
                label=export_text.ORIGINAL,
                visible=False,
                elem_id="export-original",
            )
            with gr.Group(visible=False) as card_only:
                style = gr.Dropdown(list(studio.styles), label=export_text.STYLE, elem_id="export-style")
                card_for = gr.Radio(export_text.CARD_KINDS, value="whole", label=export_text.CARD_FOR)
                prompts = gr.Textbox(
                    "\n".join(CardExport.prompts), label=export_text.CARD_PROMPTS,
                    info=export_text.CARD_PROMPTS_INFO, lines=3, max_lines=3,
                )  # fmt: skip
            name = gr.Textbox("", label=export_text.NAME, placeholder=export_text.NAME_HINT, max_lines=1)
            with gr.Group() as lora_only:
                dialect = gr.Dropdown(
                    export_text.DIALECTS,
                    value="kohya-sgm",
                    label=export_text.DIALECT,
                    elem_id="export-dialect",
                )
                rank = gr.Slider(
                    0, 128, 0, step=1, label=export_text.RANK_LIMIT, info=export_text.RANK_LIMIT_INFO
                )
                triggers = gr.Textbox(
                    "",
                    label=export_text.TRIGGERS,
                    placeholder=export_text.TRIGGERS_HINT,
                    max_lines=2,
                )
                description = gr.Textbox("", label=export_text.DESCRIPTION, lines=2, max_lines=4)
                licence = gr.Textbox("", label=export_text.LICENCE, placeholder="CC-BY-4.0", max_lines=1)
            precision = gr.Radio(["fp16", "bf16", "fp32"], value="fp16", label=export_text.PRECISION)
            with gr.Row():
                export = gr.Button(
                    export_text.EXPORT, variant="primary", scale=3, min_width=120, elem_id="export"
                )
                predict = gr.Button(export_text.PREDICT, scale=1, min_width=120, elem_id="predict")
            panel(f'<p class="line quiet work-told">{export_text.PREDICT} {why("predict")}</p>')
        with gr.Column(min_width=320, scale=6):
            status = panel(f'<p class="teach">{export_text.EMPTY}</p>', elem_id="export-status")
            file = gr.File(
                label=export_text.EXPORTED_FILE, interactive=False, visible=False, elem_id="exported"
            )
    fields = {
        "what": what, "original": original, "name": name, "dialect": dialect, "rank": rank,
        "triggers": triggers, "description": description, "licence": licence, "precision": precision,
        "style": style, "card_for": card_for, "card_prompts": prompts,
    }  # fmt: skip
    return ExportTab(fields, lora_only, card_only, original, style, predict, export, status, file)
