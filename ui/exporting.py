"""What happens when Export is pressed."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency

from eigenlorax.errors import InvalidRequestError, StudioError
from eigenlorax.events import drain
from eigenlorax.export.cards import CardExport
from eigenlorax.export.request import CheckpointExport, LoRAExport
from eigenlorax.formats.dialect import Dialect, Precision
from eigenlorax.library.card_content import CardKind
from eigenlorax.library.exports import exports_folder
from eigenlorax.library.exports import free_path as free_file
from eigenlorax.studio import Studio
from ui import export_markup, export_text, markup
from ui.events import GPU, Updates, warn
from ui.export_tab import ExportTab
from ui.generate_tab import GenerateTab
from ui.rack import strengths

Values = dict[str, Any]


def export_folder(studio: Studio) -> Path:
    """Where exports are kept."""
    return exports_folder(studio.library.root)


def wire_exporting(studio: Studio, room: gr.Tab, tab: ExportTab, generating: GenerateTab) -> list[Dependency]:
    """Connect the tab; returns the events that touch the model."""

    def predict(**values: Any) -> Updates:
        """Tell the error and the size of an export before anything is written."""
        try:
            return {
                tab.status: export_markup.prediction(studio.exports.predict(lora_request(studio, values)))
            }
        except StudioError as error:
            return {tab.status: markup.line(warn(error), "bad")}

    def export(**values: Any) -> Updates:
        """Write styles as a LoRA, a card, a bundle or a merged model; returns the file and what came of it.

        `what` is blend, lora, card, bundle or checkpoint; `styles` is a JSON text such as
        {"neon": {"strength": 0.8}}.
        """
        try:
            told, path = write(studio, values)
        except StudioError as error:
            return {tab.status: markup.line(warn(error), "bad"), tab.file: gr.update(visible=False)}
        is_file = values["what"] != "card"  # which is shown, and downloaded from there
        return {tab.status: told, tab.file: gr.update(value=str(path), visible=is_file)}

    def shown(what: str) -> dict[Any, Any]:
        is_lora = what in ("blend", "lora")
        return {
            tab.original: gr.update(visible=what == "lora"),
            tab.lora_only: gr.update(visible=is_lora),
            tab.card_only: gr.update(visible=what == "card"),
            tab.fields["precision"]: gr.update(visible=what != "card"),
            tab.predict: gr.update(interactive=is_lora),
        }

    room.select(
        lambda styles: gr.Radio(info=export_text.blend_on(strengths(styles))),
        generating.rack, tab.fields["what"], show_progress="hidden", api_visibility="private",
    )  # fmt: skip
    parts = [tab.original, tab.lora_only, tab.card_only, tab.fields["precision"], tab.predict]
    tab.fields["what"].change(shown, tab.fields["what"], parts, api_visibility="private")
    listen: dict[str, Any] = {
        "inputs_kwargs": {**tab.fields, "styles": generating.rack, "picture": generating.seeing.picture},
        "concurrency_id": GPU,
        "concurrency_limit": 1,
        "show_progress": "minimal",
    }
    return [
        tab.predict.click(predict, **listen, outputs=[tab.status], api_name="predict_export"),
        tab.export.click(export, **listen, outputs=[tab.status, tab.file], api_name="export"),
    ]


def write(studio: Studio, values: Values) -> tuple[str, Path]:
    """Do the export; returns what to tell and the file to offer."""
    desk, what = studio.exports, values["what"]
    if what == "card":
        written = drain(studio.cards.write(card_request(studio, values)))
        sizes = written.carried_bytes, written.file_bytes, written.picture.size
        return export_markup.carded(values["style"], written.path, *sizes), written.path
    if what == "bundle":
        target = free_path(studio, values["name"] or "styles", ".eigenlorax.safetensors")
        size = desk.bundle(None, target)
        return export_markup.exported_plain(export_text.bundled(len(studio.styles), size), target), target
    if what == "checkpoint":
        target = free_path(studio, values["name"] or "merged", ".safetensors")
        blend = strengths(values["styles"])
        result = desk.checkpoint(CheckpointExport(target, blend, Precision(values["precision"])))
        return export_markup.exported_plain(export_text.merged(result.file_bytes, blend), target), target
    exported = desk.lora(lora_request(studio, values))
    path = exported.path if exported.path.is_file() else desk.packed(exported.path)
    return export_markup.exported(exported), path


def card_request(studio: Studio, values: Values) -> CardExport:
    """The form's values as a card to write.

    Raises:
        InvalidRequestError: no style is chosen.
    """
    name, prompts = values["style"], values["card_prompts"] or ""
    if not name:
        raise InvalidRequestError(export_text.NO_STYLE)
    lines = tuple(line.strip() for line in prompts.splitlines() if line.strip())
    target = free_path(studio, values["name"] or name, ".png")
    return CardExport(name, target, CardKind(values["card_for"]), lines or CardExport.prompts)


def lora_request(studio: Studio, values: Values) -> LoRAExport:
    """The form's values as a request."""
    dialect, original = Dialect(values["dialect"]), values["original"] if values["what"] == "lora" else ""
    blend = {} if values["what"] == "lora" else strengths(values["styles"])
    chosen = [name for name, strength in blend.items() if strength]
    name = values["name"] or original or "+".join(chosen)[:60] or "style"
    picture = values.get("picture")
    return LoRAExport(
        target=free_path(studio, name, "" if dialect is Dialect.PEFT else ".safetensors"),
        styles=blend,
        lora=original or "",
        rank=int(values["rank"]) or None,
        dialect=dialect,
        precision=Precision(values["precision"]),
        title=values["name"] or "",
        trigger_words=_words(values["triggers"]) if values["triggers"] else None,
        description=values["description"] or "",
        licence=values["licence"] or "",
        thumbnail=Path(picture) if picture and values["what"] == "blend" else None,
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def free_path(studio: Studio, name: str, ending: str) -> Path:
    """A path among the exports that is not taken."""
    return free_file(studio.library.root, name, ending)
