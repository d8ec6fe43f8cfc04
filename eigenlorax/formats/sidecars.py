"""The files beside a LoRA in which A1111, Civitai helpers and other tools keep what they know of it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from eigenlorax.formats.loose_json import json_value

MAX_SIDECAR_BYTES = 4 * 1024 * 1024
_JSON_ENDINGS = (".json", ".civitai.info", ".metadata.json", ".swarm.json", ".cm-info.json")
_TEXT_ENDINGS = (".description.txt", ".txt")
_PICTURES = ("png", "jpg", "jpeg", "webp", "gif", "avif")
_PREVIEW_ENDINGS = (
    *(f".preview.{kind}" for kind in _PICTURES),
    *(f".{kind}" for kind in _PICTURES),
    *(f".thumb.{kind}" for kind in _PICTURES),
)


@dataclass(frozen=True)
class Sidecar:
    """What the files beside a LoRA say; what several say, the user's own notes (A1111's .json) say first.

    Attributes:
        title: The model's name on the site it came from.
        trigger_words: In the order given.
        preferred_weight: The strength that the author or user advises; None when nobody says.
        negative_text: What to put into the negative prompt.
        description: Plain text, tags of HTML removed.
        base: The base model that is claimed, such as "SDXL 1.0" or "Pony".
        licence: As written.
        tags: Of the site that it came from, or the user's, in the order given.
        favourite: Whether it was marked as one in LoRA Manager.
        other_words: Trigger words that only the later files have.
        sources: Names of the files that were read.
        unreadable: Names of those that are there but are not valid JSON, too large, or may not be read.
    """

    title: str = ""
    trigger_words: tuple[str, ...] = ()
    preferred_weight: float | None = None
    negative_text: str = ""
    description: str = ""
    base: str = ""
    licence: str = ""
    tags: tuple[str, ...] = ()
    favourite: bool = False
    other_words: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


def read_sidecars(path: Path) -> Sidecar:
    """Everything that lies beside the LoRA at `path`, merged.

    Source: A1111 user metadata (.json), Civitai's model-version JSON (.civitai.info), LoRA Manager
    (.metadata.json), SwarmUI (.swarm.json), Stability Matrix (.cm-info.json).
    """
    contents: list[Mapping[str, Any]] = []
    sources, unreadable, description = [], [], ""
    for sidecar in _beside(path, _JSON_ENDINGS):
        content = _json_object(sidecar)
        if content is None:
            unreadable.append(sidecar.name)
        else:
            contents.append(content)
            sources.append(sidecar.name)
    for sidecar in _beside(path, _TEXT_ENDINGS):
        if (text := _text(sidecar)) is not None:
            description = text.strip()
            sources.append(sidecar.name)
            break
    lists = [words for one in contents if (words := _words(one))]
    return Sidecar(
        title=_first(contents, ("modelspec.title",), ("model_name",), ("ModelName",), ("model", "name")),
        trigger_words=lists[0] if lists else (),
        other_words=tuple(dict.fromkeys(w for more in lists[1:] for w in more if w not in lists[0])),
        preferred_weight=_weight(contents),
        negative_text=_first(contents, ("negative text",)),
        description=_plain(_first(contents, ("description",), ("ModelDescription",), ("notes",)))
        or description,
        base=_first(contents, ("baseModel",), ("base_model",), ("BaseModel",), ("sd version",)),
        licence=_first(contents, ("modelspec.license",), ("license",)),
        tags=tuple(dict.fromkeys(tag.strip() for one in contents for tag in _tags(one) if tag.strip())),
        favourite=any(content.get("favorite") is True for content in contents),
        sources=tuple(sources),
        unreadable=tuple(unreadable),
    )


def preview_of(path: Path) -> Path | None:
    """The preview picture beside a LoRA, by the names that A1111, ComfyUI's and Civitai's tools use."""
    return next(_beside(path, _PREVIEW_ENDINGS), None)


def sidecar_names(stem: str) -> list[str]:
    """The names, lower-cased, that files belonging to a LoRA of this stem may have."""
    return [(stem + ending).lower() for ending in (*_JSON_ENDINGS, *_TEXT_ENDINGS, *_PREVIEW_ENDINGS)]


def sidecars_of(path: Path) -> list[Path]:
    """Every file beside the LoRA at `path` that belongs to it: notes, descriptions and previews."""
    return list(_beside(path, (*_JSON_ENDINGS, *_TEXT_ENDINGS, *_PREVIEW_ENDINGS)))


def split_words(text: str) -> tuple[str, ...]:
    """Trigger words of a comma-separated line."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _beside(path: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    try:
        names = _names(path.parent, path.parent.stat().st_mtime_ns)
    except OSError:
        return
    for ending in endings:
        if name := names.get((path.stem + ending).lower()):
            yield path.with_name(name)


@lru_cache(maxsize=64)
def _names(folder: Path, changed: int) -> Mapping[str, str]:  # noqa: ARG001 - a changed folder is another entry
    """Lower-case name -> name of every file in a folder: some tools capitalise endings."""
    return {entry.name.lower(): entry.name for entry in folder.iterdir()}


def _text(path: Path) -> str | None:
    """A note's text; None where it is too large, may not be read, or is gone."""
    try:
        if path.stat().st_size > MAX_SIDECAR_BYTES:
            return None
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _json_object(path: Path) -> Mapping[str, Any] | None:
    if (text := _text(path)) is None:
        return None
    value = json_value(text)
    return value if isinstance(value, dict) else None


def _first(contents: list[Mapping[str, Any]], *places: tuple[str, ...]) -> str:
    for content in contents:
        for place in places:
            value: Any = content
            for name in place:
                value = value.get(name) if isinstance(value, dict) else None
            if isinstance(value, str) and value.strip():
                return value.strip()
    return ""


_TAG_LISTS = (("tags",), ("model", "tags"), ("civitai", "model", "tags"), ("Tags",), ("modelspec.tags",))


def _tags(content: Mapping[str, Any]) -> Iterator[str]:
    for place in _TAG_LISTS:
        value: Any = content
        for name in place:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, list):
            yield from (tag for tag in value if isinstance(tag, str))
        elif isinstance(value, str):
            yield from value.split(",")


def _words(content: Mapping[str, Any]) -> tuple[str, ...]:
    for key in ("activation text", "modelspec.trigger_phrase", "trigger_phrase"):
        if isinstance(text := content.get(key), str) and text.strip():
            return split_words(text)
    civitai = content.get("civitai")
    lists = [content.get("trainedWords"), content.get("TrainedWords")]
    lists.append(civitai.get("trainedWords") if isinstance(civitai, dict) else None)
    for words in lists:
        if isinstance(words, list) and any(isinstance(word, str) for word in words):
            return tuple(w.strip(" ,") for w in words if isinstance(w, str) and w.strip(" ,"))
    return ()


def _weight(contents: list[Mapping[str, Any]]) -> float | None:
    for content in contents:
        tips = content.get("usage_tips")
        if isinstance(tips, str):
            tips = json_value(tips)
        values = [content.get("preferred weight"), tips.get("strength") if isinstance(tips, dict) else None]
        values += [content.get("modelspec.lora_default_weight"), content.get("lora_default_weight")]
        for value in values:
            if (weight := strength_of(value)) is not None:
                return weight
    return None


def strength_of(value: object) -> float | None:
    """A strength as a number, from a number or its text; None where it is neither, or means "not set"."""
    try:
        number = float(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else 0.0
    except (ValueError, OverflowError):
        return None
    # A1111 writes 0 when its slider was never touched.
    return number if 0 < abs(number) < 100 else None


def _plain(html: str) -> str:
    return re.sub(r"<[^>]{0,500}>", " ", html).replace("&nbsp;", " ").strip()
