"""The tab where a style is taught from pictures: what goes in on the left, how it learns on the right."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import gradio as gr
from gradio.components import Component

from eigenlorax.studio import Studio
from eigenlorax.training.captions import Origin
from ui import markup, train_markup, train_text
from ui.panel import panel, read_asset
from ui.train_pictures import has_examples
from ui.train_settings import teach_settings


@dataclass(frozen=True)
class Giving:
    """What a style is taught from.

    Attributes:
        example: None where the demo's pictures would not suit the model.
        files: What came of the files that were given.
        fields: Name -> component, as the handlers get them; the browser remembers their values.
    """

    drop: gr.File
    path: gr.Textbox
    add: gr.Button
    example: gr.Button | None
    files: gr.HTML
    fields: Mapping[str, Component]


@dataclass(frozen=True)
class Watching:
    """The newest training, as the job server tells of it.

    Attributes:
        acts: What can be done with it while it learns.
        ends: What can be done with the style when it is taught.
    """

    status: gr.HTML
    acts: gr.Row
    pause: gr.Button
    resume: gr.Button
    cancel: gr.Button
    curve: gr.HTML
    film: gr.HTML
    words: gr.HTML
    ends: gr.Row
    open: gr.Button
    card: gr.Button
    card_told: gr.HTML


@dataclass(frozen=True)
class TrainTab:
    """The tab's parts, for those who wire them."""

    giving: Giving
    start: gr.Button
    told: gr.HTML
    watching: Watching


def train_tab(studio: Studio) -> TrainTab:
    """Lay the tab out; it comes to life in `ui.training`."""
    with gr.Row(elem_id="train-room"):
        with gr.Column(min_width=320, scale=5, elem_id="giving"):
            giving = _giving(studio)
            told = panel(elem_id="train-told")
            start = gr.Button(train_text.START, variant="primary", elem_id="train")
        with gr.Column(min_width=320, scale=6, elem_id="watching"):
            watching = _watching(ready=bool(studio.styles))
    return TrainTab(giving, start, told, watching)


def _giving(studio: Studio) -> Giving:
    panel(markup.heading(train_text.PICTURES_HEADING, train_text.PICTURES_INFO))
    drop = gr.File(file_count="multiple", label=train_text.DROP, height=130, elem_id="train-drop")
    with gr.Group():
        path = gr.Textbox(
            "", label=train_text.PATH, placeholder=train_text.PATH_HINT, max_lines=1, elem_id="train-path"
        )
        add = gr.Button(train_text.ADD, size="sm", elem_id="train-add")
    example = gr.Button(train_text.EXAMPLE, size="sm", elem_id="example") if has_examples(studio) else None
    files = panel(elem_id="train-files")
    words = escape(json.dumps(_TABLE_WORDS))
    pictures = panel(
        "[]",
        script="captions.js",
        html_template=f'<div data-words="{words}">{read_asset("captions.html")}</div>',
        label=train_text.CAPTIONS,
        elem_id="captions",
    )
    panel(markup.heading(train_text.STYLE_HEADING, train_text.TRIGGER_INFO))
    with gr.Group(elem_classes="setting-grid"):
        name = gr.Textbox(
            "", label=train_text.NAME, placeholder=train_text.NAME_HINT, max_lines=1, elem_id="train-name"
        )
        trigger = gr.Textbox(
            "", label=train_text.TRIGGER, placeholder=train_text.TRIGGER_HINT, max_lines=1,
            elem_id="train-trigger",
        )  # fmt: skip
    fields = {"pictures": pictures, "name": name, "trigger": trigger, **teach_settings()}
    return Giving(drop, path, add, example, files, fields)


def _watching(*, ready: bool) -> Watching:
    status = panel(train_markup.empty(ready=ready), elem_id="train-status")
    with gr.Row(visible=False, elem_id="train-acts") as acts:
        pause = gr.Button(train_text.PAUSE, size="md", elem_id="train-pause")
        resume = gr.Button(train_text.RESUME, size="md", elem_id="train-resume")
        cancel = gr.Button(train_text.CANCEL, size="md", elem_id="train-cancel")
    curve, film = panel(elem_id="train-curve"), panel(elem_id="train-film")
    words = panel(elem_id="train-words")
    with gr.Row(visible=False, elem_id="train-ends") as ends:
        opened = gr.Button(train_text.OPEN, variant="primary", elem_id="train-open")
        card = gr.Button(train_text.CARD, elem_id="train-card")
    card_told = panel(elem_id="train-card-told")
    return Watching(
        status, acts, pause, resume, cancel, curve, film, words, ends, opened, card, card_told
    )  # fmt: skip


_TABLE_WORDS = {
    "heading": train_text.CAPTIONS,
    "clear": train_text.CLEAR,
    "caption": train_text.CAPTION_OF,
    "template": train_text.NO_CAPTION,
    "remove": train_text.REMOVE,
    "edited": Origin.EDITED.value,
}
