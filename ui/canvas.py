"""A picture to start from, with a mask painted on it."""

from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.components import Component
from PIL import Image, ImageChops

from eigenlorax.errors import InvalidRequestError
from eigenlorax.recipe import Canvas, Fill
from ui import drawing_markup
from ui import drawing_text as words
from ui.events import warn
from ui.panel import panel

Values = Mapping[str, Any]
_LEAST_OPAQUE = 128


def canvas_room(native: int) -> tuple[gr.Accordion, gr.ImageEditor, gr.Button, dict[str, Component]]:
    """The accordion "Start from a picture", closed; its editor, "Take the last picture", and its fields."""
    side = max(512, native)
    with gr.Accordion(words.START, open=False, elem_id="start") as room:
        panel(drawing_markup.hint(words.CANVAS_INFO))
        last = gr.Button(words.LAST_PICTURE, size="sm", elem_id="take-last")
        editor = gr.ImageEditor(
            {"background": None, "layers": [], "composite": None},
            label=words.CANVAS, show_label=False, type="pil", image_mode="RGBA", format="png", layers=False,
            sources=("upload", "clipboard"), transforms=(), canvas_size=(side, side), height=360,
            brush=gr.Brush(colors=["#d6409f"], color_mode="fixed"), elem_id="canvas", buttons=["fullscreen"],
        )  # fmt: skip
        with gr.Group(elem_classes="setting-grid"):
            fields: dict[str, Component] = {
                "denoise": gr.Slider(0, 1, 0.75, step=0.05, label=words.DENOISE),
                "mask_blur": gr.Slider(0, 64, 4, step=1, label=words.MASK_BLUR),
                "mask_fill": gr.Radio(words.FILLS, value=Fill.ORIGINAL.value, label=words.MASK_FILL),
            }
    return room, editor, last, fields


def wire_canvas(editor: gr.ImageEditor, button: gr.Button, picture: gr.Image) -> None:
    """Let the button lay the picture just seen into the editor."""

    def take(path: str | None) -> Any:
        if path is None:
            warn(InvalidRequestError(words.NO_PICTURE_YET))
            return gr.skip()
        return {"background": path, "layers": [], "composite": None}

    button.click(take, picture, editor, show_progress="hidden", api_visibility="private")


def canvas_of(values: Values) -> Canvas | None:
    """The editor's picture with what was painted as the mask; None while the editor is empty."""
    drawn = values["canvas"]
    if not drawn or drawn["background"] is None:
        return None
    picture = drawn["background"]
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema()[1] == 0:
        return None
    flat = Image.new("RGB", picture.size, "white")
    flat.paste(picture, mask=picture.getchannel("A") if picture.mode == "RGBA" else None)
    return Canvas(
        flat,
        mask_of(drawn["layers"]),
        float(values["denoise"]),
        int(values["mask_blur"]),
        Fill(values["mask_fill"]),
    )


def mask_of(layers: list[Image.Image]) -> Image.Image | None:
    """White where any layer was painted on; None where nothing was."""
    mask: Image.Image | None = None
    for layer in layers:
        painted = layer.convert("RGBA").getchannel("A").point(lambda alpha: 255 * (alpha >= _LEAST_OPAQUE))
        mask = painted if mask is None else ImageChops.lighter(mask, painted)
    return mask if mask is not None and mask.getbbox() is not None else None
