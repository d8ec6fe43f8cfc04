"""What a LoRA says of itself: title, trigger words and weight, from its header and its sidecar."""

import json
import re
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


_FINE_TUNES = (
    ("Pony", re.compile(r"pony|score_9|score_8_up|source_anime", re.IGNORECASE)),
    ("NoobAI", re.compile(r"noob", re.IGNORECASE)),
    ("Illustrious", re.compile(r"illustrious|\bilxl\b", re.IGNORECASE)),
    ("Animagine", re.compile(r"animagine", re.IGNORECASE)),
    ("Turbo", re.compile(r"turbo", re.IGNORECASE)),
    ("Lightning", re.compile(r"lightning", re.IGNORECASE)),
)
_FINE_TUNE_KEYS = ("ss_sd_model_name", "ss_base_model_version", "modelspec.architecture", "ss_tag_frequency")


def guess_fine_tune(path: Path, metadata: Mapping[str, str]) -> str:
    """The fine-tune of SDXL that a LoRA hints at, such as "Pony" or "NoobAI, v-prediction".

    Nothing in the tensors tells, so this is a guess from names and tags; it never decides anything.
    """
    hints = " ".join((path.stem, *(metadata.get(key, "") for key in _FINE_TUNE_KEYS)))
    found = next((name for name, pattern in _FINE_TUNES if pattern.search(hints)), "")
    if re.fullmatch(r"v|v_prediction", metadata.get("modelspec.prediction_type", "")) or re.search(
        r"v-?pred", hints, re.IGNORECASE
    ):
        return f"{found}, v-prediction".lstrip(", ")
    return found


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
