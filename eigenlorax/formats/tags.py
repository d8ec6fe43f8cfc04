"""Words that a LoRA is known by: its name, trigger words and tags; and whether a given word is among them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.header import read_header
from eigenlorax.formats.loose_json import json_object
from eigenlorax.formats.sidecars import read_sidecars


def tags_of(path: Path) -> list[str]:
    """Every tag of a LoRA file: kohya's training tags, modelspec's, and those of its sidecars.

    What cannot be read has no tags; the file's own report tells what is wrong with it.

    Source: kohya's ss_tag_frequency, modelspec 1.0.1 (tags), Civitai's model JSON (model.tags), SwarmUI.
    """
    try:
        metadata = read_header(path).metadata
    except InvalidFileError:
        metadata = {}
    found = [*header_tags(metadata)]
    for folder in json_object(metadata.get("ss_tag_frequency", "")).values():
        found += [str(tag).strip() for tag in folder] if isinstance(folder, dict) else []
    return list(dict.fromkeys([*found, *read_sidecars(path).tags]))


def header_tags(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """The tags that an author gave in the header.

    Source: modelspec 1.0.1 (tags).
    """
    return tuple(tag.strip() for tag in metadata.get("modelspec.tags", "").split(",") if tag.strip())


def named_by(word: str, texts: Iterable[str]) -> bool:
    """True when a word, or a phrase, stands whole in one of the texts, whatever its case.

    A name's underscores and hyphens part words as blanks do; "cat" is in "my_Cat" but not in "catalogue".
    """
    wanted = " ".join(_words(word))
    return bool(wanted) and any(f" {wanted} " in f" {' '.join(_words(text))} " for text in texts)


@runtime_checkable
class Named(Protocol):
    """What is known of a LoRA by words."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def trigger_words(self) -> tuple[str, ...]: ...
    @property
    def path(self) -> Path: ...


def excluded_by(words: Sequence[str], reports: Iterable[Named]) -> dict[str, str]:
    """LoRA name -> the first of `words` that its name, its trigger words or its tags hold."""
    found = {}
    for report in reports if words else ():
        texts = [report.name, report.title, *report.trigger_words, *tags_of(report.path)]
        if word := next((word for word in words if named_by(word, texts)), None):
            found[report.name] = word.strip()
    return found


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())
