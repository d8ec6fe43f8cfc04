"""The style rack: one HTML component for any number of styles; its value is one JSON text."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from eigenlorax.errors import InvalidRequestError
from eigenlorax.studio import Studio
from eigenlorax.subspace.style import Style
from ui.panel import panel, read_asset
from ui.thumbs import thumbnail_folder, thumbnail_url

EMPTY = "{}"


def style_rack() -> gr.HTML:
    """The rack, which waits for `rack_props`.

    Its value maps a style's name to `{"on": bool, "strength": float, "solo": bool, "dials": {...}}`; see
    `ui.dials` for the last. It sends nothing while a slider moves; whoever draws a picture reads its value.
    """
    return panel(
        EMPTY,
        script=("dials.js", "rack.js"),
        html_template=read_asset("rack.html"),
        label="Style rack",
        elem_id="rack",
        styles=[],
        usable=0,
        ready=False,
    )


def rack_props(studio: Studio) -> dict[str, Any]:
    """What the rack shows: its styles, and how many LoRAs wait to become styles."""
    entries = studio.entries()
    of_loras = {entry.style.name: entry for entry in entries if entry.style}
    # A style that was taught, or came as a card, has no LoRA here.
    others = [style for name, style in studio.styles.items() if name not in of_loras]
    styles = [
        *(_shown(studio, entry.style, entry.report.title, entry.preview) for entry in of_loras.values()),
        *(_shown(studio, style, preview=studio.library.style_cover(style)) for style in others),
    ]
    usable = sum(entry.report.usable for entry in entries)
    return {"styles": styles, "usable": usable, "ready": True}


def _shown(studio: Studio, style: Style, title: str = "", preview: Path | None = None) -> dict[str, str]:
    """What the rack shows of one style."""
    kept = f"{style.fidelity.effect_kept:.0%}" if style.fidelity.original_bytes else ""
    return {
        "name": style.name,
        "title": title or style.name,
        "thumbnail": thumbnail_url(preview, thumbnail_folder(studio)),
        "words": ", ".join(style.trigger_words),
        "kept": kept,
    }


def strengths(value: str) -> dict[str, float]:
    """The rack's value -> the strengths in use: a soloed style alone, else those that are on.

    Raises:
        InvalidRequestError: it is not a JSON object of styles.
    """
    entries = entries_of(value)
    soloed = {name: entry for name, entry in entries.items() if entry.get("solo")}
    chosen = soloed or {name: entry for name, entry in entries.items() if entry.get("on", True)}
    try:
        return {name: float(entry.get("strength", 1.0)) for name, entry in chosen.items()}
    except (TypeError, ValueError) as error:
        raise InvalidRequestError("a strength of the style rack is not a number") from error


def entries_of(value: str) -> Mapping[str, Mapping[str, Any]]:
    """The rack's value by style.

    Raises:
        InvalidRequestError: it is not a JSON object of styles.
    """
    try:
        entries = json.loads(value or EMPTY)
    except (TypeError, json.JSONDecodeError) as error:
        raise InvalidRequestError('styles must be JSON such as {"neon": {"strength": 0.8}}') from error
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise InvalidRequestError('styles must be a JSON object such as {"neon": {"strength": 0.8}}')
    return entries


def strongest(blend: Mapping[str, float]) -> tuple[str, float]:
    """The style with the largest effect: its name and strength.

    Raises:
        InvalidRequestError: no style is in use.
    """
    if not any(blend.values()):
        raise InvalidRequestError("switch on a style first: it is compared with its original LoRA")
    return max(blend.items(), key=lambda item: abs(item[1]))


def with_trigger_words(prompt: str, blend: Mapping[str, float], styles: Mapping[str, Style]) -> str:
    """The prompt with the trigger words of every style in positive use, unless it holds them already."""
    if not prompt.strip():
        return prompt
    words = [prompt.strip()]
    for name, strength in blend.items():
        if strength > 0.0 and name in styles:
            present = ", ".join(words).lower()
            words += [word for word in styles[name].trigger_words if word.lower() not in present]
    return ", ".join(words)
