"""The tab of sheets: what changes along three axes, and the sheet."""

from collections.abc import Mapping
from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from eigenlorax.sheets.axes import NO_STYLE, AxisKind
from ui import markup
from ui import sheet_text as words
from ui.panel import panel

_KINDS = [(name, kind.value) for kind, name in words.KINDS.items()]
_NOTHING = [(words.NOTHING, "")]
_FIRST = {
    "columns": (words.COLUMNS, AxisKind.STYLE.value, [(words.NO_STYLE, NO_STYLE)]),
    "rows": (words.ROWS, "", []),
    "within": (words.WITHIN, "", []),
}
"""Axis -> its name, and what it is at first."""


@dataclass(frozen=True)
class SheetTab:
    """The tab's parts, for those who wire them.

    Attributes:
        kinds, values: Axis -> what changes, and to what.
        fields: All that the browser remembers, by the names that the handlers use.
        told: How large the sheet would be.
    """

    kinds: Mapping[str, gr.Dropdown]
    values: Mapping[str, gr.Dropdown]
    fields: Mapping[str, Component]
    told: gr.HTML
    draw: gr.Button
    cancel: gr.Button
    status: gr.HTML
    sheet: gr.Image


def sheet_tab() -> SheetTab:
    """Lay the tab out; it comes to life in `ui.sheet`."""
    kinds, values = {}, {}
    with gr.Row(elem_id="sheet-room"):
        with gr.Column(min_width=320, scale=4, elem_id="sheet-asking"):
            panel(markup.heading(words.HEADING, words.INFO))
            for axis, (name, kind, first) in _FIRST.items():
                with gr.Group(elem_classes="sheet-axis"):
                    choices = _KINDS if axis == "columns" else [*_NOTHING, *_KINDS]
                    kinds[axis] = gr.Dropdown(choices, value=kind, label=words.CHANGES.format(name))
                    values[axis] = gr.Dropdown(
                        first, value=[value for _, value in first], multiselect=True, allow_custom_value=True,
                        label=words.VALUES.format(name), visible=bool(kind),
                    )  # fmt: skip
            triggers = gr.Checkbox(True, label=words.TRIGGERS)
            told = panel(elem_id="sheet-told")
            with gr.Row():
                draw = gr.Button(words.DRAW, variant="primary", elem_id="sheet-draw", scale=3, min_width=140)
                cancel = gr.Button(
                    words.CANCEL, elem_id="sheet-cancel", scale=1, min_width=90, interactive=False
                )  # fmt: skip
        with gr.Column(min_width=320, scale=9, elem_id="sheet-seeing"):
            status = panel(markup.line(words.NO_SHEET), elem_id="sheet-status")
            sheet = gr.Image(
                label=words.SHEET, show_label=False, interactive=False, type="filepath", format="png",
                elem_id="sheet", buttons=["download", "fullscreen"], alt_text=words.SHEET,
            )  # fmt: skip
    fields: dict[str, Component] = {f"{axis}_kind": one for axis, one in kinds.items()}
    fields |= {f"{axis}_values": one for axis, one in values.items()}
    fields["sheet_triggers"] = triggers
    return SheetTab(kinds, values, fields, told, draw, cancel, status, sheet)
