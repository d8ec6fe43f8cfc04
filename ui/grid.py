"""The library as a grid: one HTML component that holds every LoRA and style and draws those in sight."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from eigenlorax.formats.report import Verdict
from eigenlorax.studio import LibraryEntry, Studio
from eigenlorax.subspace.fidelity import FidelityVerdict
from eigenlorax.subspace.style import Style
from ui import grid_text, text
from ui.grid_server import server_functions
from ui.panel import panel, read_asset
from ui.thumbs import thumbnail_folder, thumbnail_if_made

_SCRIPTS = (
    "library_make.js", "library_card.js", "library_window.js", "library_sift.js", "library_details.js",
    "library.js",
)  # fmt: skip
_KEPT_TONE = {FidelityVerdict.LOOSE: "fair", FidelityVerdict.LOST: "bad"}
#: Sent with every change: a part of a tab that was not opened yet keeps only what came last.
_WORDS = {
    "grid": grid_text.GRID,
    "sorts": grid_text.SORTS,
    "filters": grid_text.FILTERS,
    "details": grid_text.DETAILS,
    "empty": grid_text.EMPTY,
}
Card = Mapping[str, Any]


def library_grid(studio: Studio) -> gr.HTML:
    """The grid, which waits for `grid_props`."""
    return panel(
        "",
        script=_SCRIPTS,
        html_template=read_asset("library.html"),
        label=grid_text.GRID["label"],
        elem_id="library",
        server_functions=server_functions(studio),
        cards=[],
        ready=False,
        words=_WORDS,
    )


def grid_props(studio: Studio) -> dict[str, Any]:
    """What the grid shows: LoRAs first, then styles without one."""
    entries = studio.entries()
    folder = thumbnail_folder(studio)
    names = {entry.report.name for entry in entries}
    styles = [style for name, style in studio.styles.items() if name not in names]
    cards = [_of_lora(entry, folder) for entry in entries]
    cards += [_of_style(studio, style, folder) for style in styles]
    return {"cards": cards, "ready": True, "words": _WORDS}


def _of_lora(entry: LibraryEntry, folder: Path) -> Card:
    report = entry.report
    verdict, tone = grid_text.VERDICTS[report.verdict]
    return {
        "name": report.name,
        "title": report.title if report.title != report.name else "",
        "verdict": verdict,
        "tone": tone,
        "reason": report.reason,
        "usable": report.usable,
        "problem": report.verdict in (Verdict.PARTLY, Verdict.OTHER_BASE, Verdict.BROKEN),
        "base": " ".join(filter(None, (report.base, report.fine_tune))),
        "rank": report.rank_text,
        "bytes": report.file_bytes,
        "size": text.megabytes(report.file_bytes) if report.file_bytes else "—",
        "changed": report.changed,
        "place": report.place,
        "suggested": list(report.suggested_words),
        "favourite": entry.favourite,
        "rating": entry.note.rating,
        "words": list(entry.trigger_words),
        "tags": list(entry.tags),
        "weight": entry.preferred_weight,
        "notes": entry.note.text,
        **_kept(entry.style),
        **_picture(entry.preview, folder),
    }


def _of_style(studio: Studio, style: Style, folder: Path) -> Card:
    verdict, tone = grid_text.STYLE_VERDICT
    note = studio.collection.note(style.name)
    return {
        "name": style.name,
        "title": "",
        "verdict": verdict,
        "tone": tone,
        "reason": grid_text.GRID["taught"],
        "usable": False,
        "problem": False,
        "base": "",
        "rank": "",
        "bytes": style.fidelity.style_bytes,
        "size": text.megabytes(style.fidelity.style_bytes),
        "changed": 0.0,
        "place": "",
        "suggested": [],
        "favourite": bool(note.favourite),
        "rating": note.rating,
        "words": list(style.trigger_words),
        "tags": list(note.tags or ()),
        "weight": note.preferred_weight,
        "notes": note.text,
        **_kept(style),
        **_picture(studio.collection.style_cover(style), folder),
    }


def _kept(style: Style | None) -> Card:
    """Whether it is a style, and how near to its LoRA: a share in [0, 1], None where it has no LoRA."""
    if style is None or not style.fidelity.original_bytes:
        return {"style": style is not None, "kept": None, "keptTone": ""}
    fidelity = style.fidelity
    return {
        "style": True,
        "kept": fidelity.effect_kept,
        "keptTone": _KEPT_TONE.get(fidelity.verdict, "good"),
    }


def _picture(preview: Path | None, folder: Path) -> Card:
    """Its thumbnail where that is made, and whether one can be asked for."""
    return {"thumb": thumbnail_if_made(preview, folder), "picture": preview is not None}
