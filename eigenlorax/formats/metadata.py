"""What a LoRA says of itself: title, trigger words and weight, from its header and its sidecar."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MAX_SIDECAR_BYTES = 4 * 1024 * 1024


def title_of(metadata: Mapping[str, str], stem: str) -> str:
    """The title in the header (modelspec, then kohya's output name), else the file's stem."""
    for key in ("modelspec.title", "ss_output_name"):
        if text := metadata.get(key, "").strip():
            return text
    return stem


def trigger_words(path: Path, metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Trigger words of the LoRA at `path`: the sidecar's, then modelspec's, then the commonest tag.

    Source: AUTOMATIC1111's user metadata ("activation text"), modelspec 1.0.1 (trigger_phrase) and
    kohya's ss_tag_frequency.
    """
    if text := str(read_sidecar(path).get("activation text", "")).strip():
        return _split(text)
    if text := metadata.get("modelspec.trigger_phrase", "").strip():
        return _split(text)
    counts: dict[str, int] = {}
    for folder in _json_object(metadata.get("ss_tag_frequency", "")).values():
        if isinstance(folder, dict):
            for tag, count in folder.items():
                if isinstance(count, int):
                    counts[tag.strip()] = counts.get(tag.strip(), 0) + count
    return (max(counts, key=lambda tag: counts[tag]),) if counts else ()


def read_sidecar(path: Path) -> Mapping[str, Any]:
    """A1111's user metadata beside a LoRA (`<stem>.json`); empty when absent, too large or not JSON."""
    sidecar = path.with_suffix(".json")
    if not sidecar.is_file() or sidecar.stat().st_size > MAX_SIDECAR_BYTES:
        return {}
    return _json_object(sidecar.read_text(encoding="utf-8", errors="replace"))


def preview_of(path: Path) -> Path | None:
    """The preview picture beside a LoRA, by the names A1111 and its kin use."""
    for ending in (".preview.png", ".png", ".preview.jpg", ".jpg", ".jpeg", ".webp"):
        candidate = path.with_name(path.stem + ending)
        if candidate.is_file():
            return candidate
    return None


def _split(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _json_object(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
