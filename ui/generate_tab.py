"""The tab where pictures are made: what to draw, the picture, and the style rack beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from eigenlorax.studio import Studio
from ui import markup, text
from ui.panel import panel
from ui.rack import style_rack


@dataclass(frozen=True)
class Asking:
    """What a picture is made from.

    Attributes:
        fields: Name -> component, as the handlers get them.
    """

    fields: Mapping[str, Component]
    random: gr.Button
    reuse: gr.Button
    generate: gr.Button
    cancel: gr.Button


@dataclass(frozen=True)
class Seeing:
    """Where a picture, a comparison and the news about them appear."""

    views: gr.Tabs
    picture: gr.Image
    slider: gr.ImageSlider
    captions: gr.HTML
    status: gr.HTML
    last_seed: gr.State
    compare_original: gr.Button
    compare_base: gr.Button


@dataclass(frozen=True)
class GenerateTab:
    """The tab's parts, for those who wire them."""

    asking: Asking
    seeing: Seeing
    rack: gr.HTML

    @property
    def inputs(self) -> dict[str, Component]:
        """Everything that decides a picture, and the last seed, by the names the handlers use."""
        return {**self.asking.fields, "styles": self.rack, "last_seed": self.seeing.last_seed}


def generate_tab(studio: Studio) -> GenerateTab:
    """Lay the tab out; it comes to life in `ui.generate` and `ui.compare`."""
    with gr.Row(elem_id="generate-room"):
        with gr.Column(elem_id="asking", min_width=280, scale=4):
            asking = _asking(studio.base.native_size)
        with gr.Column(elem_id="seeing", min_width=320, scale=6):
            seeing = _seeing()
        with gr.Column(elem_id="styling", min_width=320, scale=5):
            rack = style_rack()
    return GenerateTab(asking, seeing, rack)


def _asking(native: int) -> Asking:
    prompt = gr.Textbox(
        "", label=text.PROMPT, placeholder=text.PROMPT_HINT, lines=3, max_lines=8, elem_id="prompt"
    )
    with gr.Row(elem_id="acting"):
        generate = gr.Button(text.GENERATE, variant="primary", elem_id="generate", scale=3, min_width=120)
        cancel = gr.Button(text.CANCEL, elem_id="cancel", scale=1, min_width=90, interactive=False)
    negative = gr.Textbox("", label=text.NEGATIVE, placeholder=text.NEGATIVE_HINT, lines=1, max_lines=6)
    triggers = gr.Checkbox(True, label=text.ADD_TRIGGERS, info=text.ADD_TRIGGERS_INFO, elem_id="triggers")
    with gr.Group(elem_id="seeding"):
        seed = gr.Number(-1, label=text.SEED, info=text.SEED_INFO, precision=0, elem_id="seed")
        with gr.Row():
            random = gr.Button(text.RANDOM_SEED, size="sm", min_width=80)
            reuse = gr.Button(text.REUSE_SEED, size="sm", min_width=80)
    fields = {"prompt": prompt, "negative_prompt": negative, "add_triggers": triggers, "seed": seed}
    return Asking({**fields, **_settings(native)}, random, reuse, generate, cancel)


def _settings(native: int) -> dict[str, Component]:
    sides: dict[str, Any] = {
        "value": native, "minimum": max(64, native // 2), "maximum": min(2048, 2 * native), "step": 8,
    }  # fmt: skip
    with gr.Group(elem_id="settings"):
        return {
            "steps": gr.Slider(1, 60, 20, step=1, label=text.STEPS),
            "guidance": gr.Slider(1, 15, 5, step=0.5, label=text.GUIDANCE),
            "width": gr.Slider(label=text.WIDTH, **sides),
            "height": gr.Slider(label=text.HEIGHT, **sides),
        }


def _seeing() -> Seeing:
    with gr.Tabs(elem_id="views") as views:
        with gr.Tab(text.PICTURE_TAB, id="picture"):
            picture = gr.Image(
                label=text.PICTURE, show_label=False, interactive=False, type="filepath", elem_id="picture",
                buttons=["download", "fullscreen"], alt_text=text.PICTURE,
            )  # fmt: skip
        with gr.Tab(text.COMPARE_TAB, id="compare"):
            slider = gr.ImageSlider(
                label=text.COMPARISON, show_label=False, interactive=False, format="png",
                elem_id="comparison", buttons=["fullscreen"], max_height=620,
            )  # fmt: skip
            captions = panel(markup.line(text.COMPARE_HINT), elem_id="captions")
    status = panel(markup.line(text.NO_PICTURE), elem_id="status")
    with gr.Row(elem_id="comparing"):
        original = gr.Button(text.COMPARE_ORIGINAL, size="sm", min_width=200)
        base = gr.Button(text.COMPARE_BASE, size="sm", min_width=160)
    return Seeing(views, picture, slider, captions, status, gr.State(None), original, base)
