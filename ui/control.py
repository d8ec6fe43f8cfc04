"""A picture that the drawing follows, and the ControlNet that makes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component

from eigenlorax.errors import InvalidRequestError
from eigenlorax.library.controls import Controls
from eigenlorax.recipe import ControlHint
from eigenlorax.studio import Studio
from ui import control_text as words
from ui import drawing_markup
from ui.panel import panel

Values = Mapping[str, Any]
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}


@dataclass(frozen=True)
class ControlRoom:
    """The room's parts.

    Attributes:
        room: The accordion.
        picture: What is followed; it is not remembered.
        fields: Name -> component, as the handlers get them.
        told: What is there to choose from, where that is not all or nothing.
    """

    room: gr.Accordion
    picture: gr.Image
    fields: Mapping[str, Component]
    told: gr.HTML


def control_room() -> ControlRoom:
    """The accordion "ControlNet", closed; what is there is told when the page opens."""
    with gr.Accordion(words.ROOM, open=False, elem_id="control") as room:
        panel(drawing_markup.hint(words.INFO))
        picture = gr.Image(
            label=words.PICTURE, type="pil", image_mode="RGB", sources=["upload", "clipboard"], height=240,
            format="png", elem_id="control-picture", buttons=["fullscreen"],
        )  # fmt: skip
        model = gr.Dropdown(
            [], value=None, label=words.MODEL, info=words.MODEL_INFO, allow_custom_value=True,
            elem_id="control-model",
        )  # fmt: skip
        told = panel(elem_id="control-told")
        with gr.Group(elem_classes="setting-grid"):
            fields: dict[str, Component] = {
                "control_model": model,
                "control_weight": gr.Slider(0, 2, 1, step=0.05, label=words.WEIGHT),
                "control_start": gr.Slider(0, 1, 0, step=0.05, label=words.BEGIN),
                "control_end": gr.Slider(0, 1, 1, step=0.05, label=words.END),
            }
    return ControlRoom(room, picture, fields, told)


def wire_control(studio: Studio, page: gr.Blocks, room: ControlRoom) -> None:
    """Let the list tell what is there, whenever the page or the room is opened."""
    model = room.fields["control_model"]

    def known() -> tuple[Any, str]:
        found = studio.controls.look()
        return gr.update(choices=choices(found)), told(studio, found)

    gr.on([page.load, room.room.expand], known, None, [model, room.told], **_QUIET)


def choices(found: Controls) -> list[tuple[str, str]]:
    """The usable ones: name and value."""
    return [(name, str(path)) for name, path in sorted(found.usable.items())]


def told(studio: Studio, found: Controls) -> str:
    """Where ControlNets come from while there are none, and which files cannot be used."""
    parts = [] if found.usable else [drawing_markup.hint(words.none_here(studio.controls.own))]
    odd = [words.about(one.name, one.trouble) for one in found.files if one.trouble]
    if bad := [*odd, *found.troubles]:
        rows = "".join(f"<li>{escape(one)}</li>" for one in bad)
        summary = escape(words.unusable(len(bad)))
        parts.append(f'<details class="unusable"><summary>{summary}</summary><ul>{rows}</ul></details>')
    return "".join(parts)


def control_of(values: Values) -> ControlHint | None:
    """What the drawing is to follow; None without a picture.

    Raises:
        InvalidRequestError: there is a picture but no ControlNet, or its end lies before its begin.
    """
    picture = values["control_image"]
    if picture is None:
        return None
    if not (model := (values["control_model"] or "").strip()):
        raise InvalidRequestError(words.NONE_CHOSEN)
    start, end = float(values["control_start"]), float(values["control_end"])
    if end < start:
        raise InvalidRequestError(words.BACKWARDS)
    return ControlHint(model, picture, float(values["control_weight"]), start, end)
