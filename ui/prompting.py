"""What happens around the prompt: words are pressed, presets used, saved and taken in."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from eigenlorax.errors import InvalidRequestError, StudioError
from eigenlorax.prompting.presets import PromptPreset, keep_preset, read_presets, take_presets
from eigenlorax.prompting.wildcards import wildcard_names
from eigenlorax.studio import Studio
from ui import prompt_text
from ui.prompt_room import PromptRoom, presets_file, wildcard_folder
from ui.rack_value import strengths

_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
#: In the browser: the word goes behind the prompt unless it is there; nothing is asked of the server.
_INSERT = """(prompt, word) => {
  const there = (prompt ?? "").toLowerCase().includes(word.toLowerCase());
  return there ? prompt : [prompt?.trim().replace(/,$/, ""), word].filter(Boolean).join(", ");
}"""


def wire_prompting(
    studio: Studio, page: gr.Blocks, room: PromptRoom, fields: Mapping[str, Component], rack: gr.HTML
) -> None:
    """Connect the room.

    Args:
        studio: Has the styles' words and the folder of presets and wildcards.
        page: Its loading brings what is there by now.
        room: The parts.
        fields: The form's; "prompt" and "negative_prompt" are changed.
        rack: Says which styles are on.
    """
    prompt, negative = fields["prompt"], fields["negative_prompt"]

    def known() -> tuple[Any, Any]:
        names = [preset.name for preset in _present(studio)]
        words = [f"__{name}__" for name in wildcard_names(wildcard_folder(studio))]
        return gr.Dropdown(choices=names), gr.HTML(words=words)

    def use(name: str | None, words: str, against: str) -> tuple[str, str]:
        for preset in _present(studio):
            if preset.name == (name or "").strip():
                return preset.over(words or "", against or "")
        raise gr.Error(prompt_text.NO_PRESET, print_exception=False)

    def save(name: str, words: str, against: str) -> tuple[Any, str]:
        kept = PromptPreset((name or "").strip(), words or "", against or "")
        names = _told(lambda: keep_preset(presets_file(studio), kept))
        gr.Info(prompt_text.saved(kept.name))
        return gr.Dropdown(choices=names, value=kept.name), ""

    def take(path: str) -> Any:
        found: list[PromptPreset] = []

        def taken() -> list[PromptPreset]:
            found.extend(read_presets(Path(path)))
            return take_presets(presets_file(studio), found)

        names = _told(taken)
        gr.Info(prompt_text.taken(len(found), Path(path).name))
        return gr.Dropdown(choices=names)

    for pressed in (room.triggers, room.wildcards):
        pressed.insert(None, [prompt, pressed], prompt, js=_INSERT, **_QUIET)
    gr.on(
        [rack.change, page.load], lambda value: gr.HTML(words=worn_words(studio, value)), rack, room.triggers,
        trigger_mode="always_last", **_QUIET,
    )  # fmt: skip
    gr.on([page.load, room.room.expand], known, None, [room.preset, room.wildcards], **_QUIET)
    room.use.click(use, [room.preset, prompt, negative], [prompt, negative], **_QUIET)
    room.save.click(save, [room.name, prompt, negative], [room.preset, room.name], **_QUIET)
    room.take.upload(take, room.take, room.preset, **_QUIET)


def worn_words(studio: Studio, value: str) -> list[str]:
    """The trigger words of the styles in positive use, each once."""
    try:
        worn = strengths(value)
    except InvalidRequestError:
        return []
    styles = studio.styles
    names = [name for name, strength in worn.items() if strength > 0.0 and name in styles]
    return list(dict.fromkeys(word for name in names for word in styles[name].trigger_words))


def _present(studio: Studio) -> list[PromptPreset]:
    try:
        return read_presets(presets_file(studio))
    except StudioError as error:
        gr.Warning(str(error))
        return []


def _told(work: Any) -> list[str]:
    try:
        return [preset.name for preset in work()]
    except StudioError as error:
        raise gr.Error(str(error), print_exception=False) from error
