"""Dropping a picture, or pasting its settings, fills the form and the rack with what it was drawn with."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.utils import get_upload_folder

from eigenlorax.cases.recall import Recalled, recall_file, recall_text, restored
from eigenlorax.errors import InvalidFileError, InvalidRequestError, StudioError
from eigenlorax.studio import Studio
from ui import markup, recall_markup
from ui import recall_text as words
from ui.events import Updates, warn
from ui.generate_tab import GenerateTab
from ui.recall_form import form_of, rack_of
from ui.settings import schedules

_NO_CANVAS: dict[str, Any] = {"background": None, "layers": [], "composite": None}


def wire_recall(studio: Studio, tab: GenerateTab) -> None:
    """Connect the place where pictures are dropped."""
    zone = tab.asking.recall

    def drop(given: str) -> Updates:
        return {zone: "", **recalled(studio, tab, lambda: _read(given))}

    zone.recall(
        drop, zone, [zone, *outputs(tab)], show_progress="hidden", trigger_mode="always_last",
        api_visibility="private",
    )  # fmt: skip


def outputs(tab: GenerateTab) -> list[Component]:
    """Everything that a recalled picture sets."""
    asking = tab.asking
    return [*asking.fields.values(), asking.canvas, asking.control.picture, tab.rack, asking.recalled]


def recalled(studio: Studio, tab: GenerateTab, read: Callable[[], tuple[Recalled, str]]) -> Updates:
    """The whole form as a picture tells it; upon an error nothing but the reason.

    Args:
        studio: Whose styles are matched.
        tab: The tab.
        read: Gives what was read, and from where.
    """
    asking = tab.asking
    try:
        told, name = read()
        found = restored(studio, told)
    except StudioError as error:
        return {asking.recalled: markup.line(warn(error), "bad")}
    values, (rack, beyond) = form_of(found), rack_of(found.request)
    changes = {asking.fields[key]: _set(asking.fields[key], value) for key, value in values.items()}
    changes[asking.fields["schedule"]] = schedules(values["sampler"], values["schedule"])
    if found.denoise is None:  # else a picture that lies there already may be the one that was drawn over
        changes[asking.canvas] = _NO_CANVAS
    if found.control is None:
        changes[asking.control.picture] = None
    return {**changes, tab.rack: rack, asking.recalled: recall_markup.told(found, name, beyond)}


def _set(field: Component, value: Any) -> Any:
    """A value; a slider is made long enough for it."""
    if isinstance(field, gr.Slider) and not field.minimum <= value <= field.maximum:
        return gr.update(
            value=value, minimum=min(field.minimum, value), maximum=max(field.maximum, value)
        )  # fmt: skip
    return value


def _read(given: str) -> tuple[Recalled, str]:
    """What was dropped, as the zone's script tells of it; an uploaded picture is removed.

    Raises:
        InvalidFileError: nothing arrived, or it carries no settings.
        InvalidRequestError: it is not what the script sends.
    """
    try:
        told = json.loads(given or "{}")
        path, name, text = (str(told.get(key) or "") for key in ("path", "name", "text"))
    except (json.JSONDecodeError, AttributeError) as error:
        raise InvalidRequestError(words.NOTHING_PASTED) from error
    if name:
        return _uploaded(path), name
    if not text.strip():
        raise InvalidFileError(words.NOTHING_PASTED)
    return recall_text(text), words.FROM_PASTE


def _uploaded(path: str) -> Recalled:
    uploads, file = Path(get_upload_folder()).resolve(), Path(path).resolve()
    # A page can send any path; only what it has just uploaded is read.
    if not path or not file.is_relative_to(uploads) or file.parent == uploads:
        raise InvalidFileError(words.NOT_UPLOADED)
    try:
        return recall_file(file)
    finally:
        shutil.rmtree(file.parent, ignore_errors=True)
