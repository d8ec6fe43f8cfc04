"""The tab where pictures are made: what to draw, the picture, and the style rack beside it."""

from collections.abc import Mapping
from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from eigenlorax.runtime.plan import Needs
from eigenlorax.studio import Studio
from ui import drawing_markup, drawing_text, markup, text
from ui.canvas import canvas_room
from ui.control import ControlRoom, control_room
from ui.panel import panel
from ui.prompt_room import PromptRoom, prompt_room, trigger_chips
from ui.rack import style_rack
from ui.recall_zone import recall_zone
from ui.settings import main_settings, more_settings, suggestion_button


@dataclass(frozen=True)
class Asking:
    """What a picture is made from.

    Attributes:
        fields: Name -> component, as the handlers get them; the browser remembers their values.
        starting: The room of the picture to start from.
        canvas: That picture; it is not remembered.
        control: What the drawing follows; its picture is not remembered.
        recall: Where a picture is dropped to be drawn again.
        recalled: What was read from it.
        prompting: Words to press, presets, wildcards.
    """

    fields: Mapping[str, Component]
    starting: gr.Accordion
    canvas: gr.ImageEditor
    take_last: gr.Button
    control: ControlRoom
    random: gr.Button
    reuse: gr.Button
    generate: gr.Button
    cancel: gr.Button
    recall: gr.HTML
    recalled: gr.HTML
    prompting: PromptRoom


@dataclass(frozen=True)
class Seeing:
    """Where pictures, a comparison and the news about them appear."""

    views: gr.Tabs
    picture: gr.Image
    pictures: gr.Gallery
    single: gr.Column
    several: gr.Column
    slider: gr.ImageSlider
    captions: gr.HTML
    status: gr.HTML
    model: gr.HTML
    last_seed: gr.State
    compare_original: gr.Button
    compare_base: gr.Button


@dataclass(frozen=True)
class Morphing:
    """Where the way between the rack's two blends is drawn."""

    told: gr.HTML
    pictures: gr.Slider
    morph: gr.Button


@dataclass(frozen=True)
class GenerateTab:
    """The tab's parts, for those who wire them."""

    asking: Asking
    seeing: Seeing
    rack: gr.HTML
    morphing: Morphing

    @property
    def inputs(self) -> dict[str, Component]:
        """Everything that decides a picture, and the last seed, by the names the handlers use."""
        return {
            **self.asking.fields,
            "canvas": self.asking.canvas,
            "control_image": self.asking.control.picture,
            "styles": self.rack,
            "last_seed": self.seeing.last_seed,
        }


def generate_tab(studio: Studio) -> GenerateTab:
    """Lay the tab out; it comes to life in `ui.generate`, `ui.morphing` and `ui.compare`."""
    with gr.Row(elem_id="generate-room"):
        with gr.Column(elem_id="asking", min_width=280, scale=4):
            asking = _asking(studio)
        with gr.Column(elem_id="seeing", min_width=320, scale=6):
            seeing = _seeing(studio)
        with gr.Column(elem_id="styling", min_width=320, scale=5):
            rack, morphing = style_rack(studio), _morphing()
    return GenerateTab(asking, seeing, rack, morphing)


def _asking(studio: Studio) -> Asking:
    prompt = gr.Textbox(
        "", label=text.PROMPT, placeholder=text.PROMPT_HINT, lines=3, max_lines=8, elem_id="prompt"
    )
    with gr.Row(elem_id="acting"):
        generate = gr.Button(text.GENERATE, variant="primary", elem_id="generate", scale=3, min_width=120)
        cancel = gr.Button(text.CANCEL, elem_id="cancel", scale=1, min_width=90, interactive=False)
    chips = trigger_chips()
    recall, recalled = recall_zone()
    negative = gr.Textbox("", label=text.NEGATIVE, placeholder=text.NEGATIVE_HINT, lines=1, max_lines=6)
    prompting = prompt_room(studio, chips)
    triggers = gr.Checkbox(True, label=text.ADD_TRIGGERS, info=text.ADD_TRIGGERS_INFO, elem_id="triggers")
    with gr.Group(elem_id="seeding"):
        seed = gr.Number(-1, label=text.SEED, info=text.SEED_INFO, precision=0, elem_id="seed")
        with gr.Row():
            random = gr.Button(text.RANDOM_SEED, size="sm", min_width=80)
            reuse = gr.Button(text.REUSE_SEED, size="sm", min_width=80)
    fields = {"prompt": prompt, "negative_prompt": negative, "add_triggers": triggers, "seed": seed}
    fields |= main_settings(studio)
    fields |= more_settings(studio)
    suggestion_button(studio, fields)
    starting, canvas, take_last, overpainting = canvas_room(studio.base.native_size)
    control = control_room()
    fields |= {**overpainting, **control.fields}
    return Asking(
        fields, starting, canvas, take_last, control, random, reuse, generate, cancel, recall, recalled,
        prompting,
    )  # fmt: skip


def _seeing(studio: Studio) -> Seeing:
    native = studio.base.native_size
    with gr.Tabs(elem_id="views") as views:
        with gr.Tab(text.PICTURE_TAB, id="picture"):
            # What is hidden are the columns: an update of a picture would reach programs as no plain path.
            with gr.Column() as single:
                picture = gr.Image(
                    label=text.PICTURE, show_label=False, interactive=False, type="filepath",
                    elem_id="picture", buttons=["download", "fullscreen"], alt_text=text.PICTURE,
                )  # fmt: skip
            with gr.Column(visible=False) as several:
                pictures = gr.Gallery(
                    label=drawing_text.PICTURES, show_label=False, interactive=False, elem_id="pictures",
                    object_fit="contain", height="auto", buttons=["download", "fullscreen"],
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
    model = panel(
        drawing_markup.model(studio, studio.base.plan(Needs(native, native)).sentence), elem_id="model"
    )
    last_seed = gr.State(None)
    return Seeing(
        views, picture, pictures, single, several, slider, captions, status, model, last_seed, original, base
    )


def _morphing() -> Morphing:
    with gr.Accordion(drawing_text.MORPH_ROOM, open=False, elem_id="morphing"):
        panel(drawing_markup.hint(drawing_text.MORPH_INFO))
        told = panel(elem_id="morph-ends")
        pictures = gr.Slider(2, 32, 8, step=1, label=drawing_text.MORPH_PICTURES, elem_id="morph-pictures")
        morph = gr.Button(drawing_text.MORPH, elem_id="morph")
    return Morphing(told, pictures, morph)
