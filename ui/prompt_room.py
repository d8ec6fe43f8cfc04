"""What stands around the prompt: trigger words to press, presets, wildcards."""

from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from eigenlorax.prompting import places
from eigenlorax.prompting.wildcards import wildcard_names
from eigenlorax.studio import Studio
from ui import drawing_markup, prompt_text
from ui.panel import panel, read_asset


@dataclass(frozen=True)
class PromptRoom:
    """The parts, for `ui.prompting`."""

    triggers: gr.HTML
    wildcards: gr.HTML
    room: gr.Accordion
    preset: gr.Dropdown
    use: gr.Button
    name: gr.Textbox
    save: gr.Button
    take: gr.UploadButton


def presets_file(studio: Studio) -> Path:
    """Where presets are kept."""
    return places.presets_file(studio.library.root)


def wildcard_folder(studio: Studio) -> Path:
    """Where wildcard files lie."""
    return places.wildcard_folder(studio.library.root)


def chips(label: str, elem_id: str, words: list[str]) -> gr.HTML:
    """Words to press; its value is the one that was pressed last. Without words it takes no room."""
    return panel(
        "", script="chips.js", html_template=read_asset("chips.html"), label=label, elem_id=elem_id,
        words=words, heading=label,
    )  # fmt: skip


def trigger_chips() -> gr.HTML:
    """The trigger words of the styles that are on."""
    return chips(prompt_text.TRIGGERS, "trigger-chips", [])


def prompt_room(studio: Studio, triggers: gr.HTML) -> PromptRoom:
    """Lay the room out below the prompt; it comes to life in `ui.prompting`."""
    with gr.Accordion(prompt_text.ROOM, open=False, elem_id="prompt-room") as room:
        with gr.Row():
            preset = gr.Dropdown(
                [], value=None, label=prompt_text.PRESET, info=prompt_text.USE_INFO, min_width=160, scale=3,
                elem_id="preset", allow_custom_value=True,
            )  # fmt: skip
            use = gr.Button(prompt_text.USE, size="sm", min_width=80, scale=1)
        with gr.Row():
            name = gr.Textbox(
                "", label=prompt_text.NAME, placeholder=prompt_text.NAME_HINT, max_lines=1, min_width=160,
                scale=3, elem_id="preset-name",
            )  # fmt: skip
            save = gr.Button(prompt_text.SAVE, size="sm", min_width=80, scale=1, elem_id="preset-save")
        take = gr.UploadButton(prompt_text.TAKE, file_types=[".csv"], size="sm", elem_id="preset-take")
        folder = wildcard_folder(studio)
        wildcards = chips(prompt_text.WILDCARDS, "wildcard-chips", wildcard_names(folder))
        panel(drawing_markup.hint(prompt_text.GRAMMAR.replace("{0}", str(folder))))
    return PromptRoom(triggers, wildcards, room, preset, use, name, save, take)
