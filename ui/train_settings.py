"""How a style is taught: a preset, and behind one door what it fills in."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import gradio as gr
from gradio.components import Component

from eigenlorax.subspaces.teaching import TeachRequest
from eigenlorax.training.teach_settings import PRESETS, TeachSettings
from ui import train_text

_SETTINGS = ("steps", "rows", "rate", "check", "ranks", "texts", "preserve", "seed")
"""Fields of `TeachSettings` that the form shows; the others are the preset's."""
_WHOLE = ("steps", "rows", "check", "ranks", "seed", "columns", "sample_every")

Values = Mapping[str, Any]


def teach_settings() -> dict[str, Component]:
    """The preset and the accordion "Advanced settings", closed; fields by the names that the handlers use."""
    first = TeachSettings()
    presets = [(train_text.PRESETS[key][0], key) for key in PRESETS]
    preset = gr.Radio(
        presets, value="style", label=train_text.PRESET, info=train_text.PRESETS["style"][1],
        elem_id="train-preset",
    )  # fmt: skip
    with gr.Accordion(train_text.ADVANCED, open=False, elem_id="train-advanced"):
        with gr.Group(elem_classes="setting-grid"):
            fields: dict[str, Component] = {
                "steps": gr.Number(first.steps, label=train_text.STEPS, precision=0, minimum=1),
                "rate": gr.Number(first.rate, label=train_text.RATE, minimum=0),
                "rows": gr.Number(first.rows, label=train_text.ROWS, precision=0, minimum=1),
                "check": gr.Number(first.check, label=train_text.CHECK, precision=0, minimum=1),
                "columns": gr.Number(TeachRequest.columns, label=train_text.COLUMNS, precision=0, minimum=1),
                "ranks": gr.Number(first.ranks, label=train_text.RANKS, precision=0, minimum=0),
                "preserve": gr.Number(first.preserve, label=train_text.PRESERVE, minimum=0),
                "seed": gr.Number(first.seed, label=train_text.SEED, precision=0, minimum=0),
            }
        with gr.Group():
            fields |= {
                "texts": gr.Checkbox(first.texts, label=train_text.TEXTS, info=train_text.TEXTS_INFO),
                "mirrors": gr.Checkbox(False, label=train_text.MIRRORS, info=train_text.MIRRORS_INFO),
                "subject": gr.Textbox(
                    "", label=train_text.SUBJECT, info=train_text.SUBJECT_INFO, max_lines=1
                ),
                "samples": gr.Textbox(
                    "", label=train_text.SAMPLES, info=train_text.SAMPLES_INFO, lines=2, max_lines=4
                ),
                "sample_every": gr.Number(
                    TeachRequest.sample_every, label=train_text.EVERY, precision=0, minimum=1
                ),
            }
    shown = [fields[name] for name in _SETTINGS if name != "seed"]
    preset.input(preset_values, preset, [preset, *shown], show_progress="hidden", api_visibility="private")
    return {"preset": preset, **fields}


def preset_values(preset: str) -> list[Any]:
    """What a preset says of itself, and the settings that it fills in."""
    told = gr.update(info=train_text.PRESETS[preset][1])
    return [told, *(getattr(PRESETS[preset], name) for name in _SETTINGS if name != "seed")]


def settings_from(values: Values) -> dict[str, Any]:
    """What the form's settings change in its preset, as JSON; an empty field changes nothing."""
    given = {name: whole(name, values[name]) for name in _SETTINGS if values[name] is not None}
    preset = asdict(PRESETS.get(values["preset"], TeachSettings()))
    return {name: value for name, value in given.items() if value != preset[name]}


def whole(name: str, value: Any) -> Any:
    """A number of the form as its field has it: browsers know no whole ones."""
    return int(value) if name in _WHOLE else value
