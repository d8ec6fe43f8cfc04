"""What a picture's file says of itself, read from its head alone."""

from dataclasses import dataclass
from pathlib import Path

from eigenlorax.errors import InvalidFileError
from eigenlorax.recall.carriers import MOST_BYTES, PNG, is_picture, texts_of
from eigenlorax.recall.tags import split_tags

_HEAD_BYTES = 16_384
_NEGATIVE, _SETTINGS = "\nNegative prompt: ", "\nSteps: "


@dataclass(frozen=True)
class Words:
    """The text inside a picture, and what a search looks at.

    Attributes:
        text: As it is written; empty where there is none.
        prompt: Its first part, without LoRA tags.
        styles: The names in its LoRA tags.
    """

    text: str = ""
    prompt: str = ""
    styles: tuple[str, ...] = ()


def words_of(path: Path) -> Words:
    """What a file says; nothing where it cannot be read or tells nothing.

    Programs write their text before the pixels of a PNG, so the head of the file mostly suffices.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_HEAD_BYTES)
            ends_early = content.startswith(PNG) and b"IDAT" in content
            if len(content) == _HEAD_BYTES and not ends_early:
                content += file.read(MOST_BYTES - _HEAD_BYTES)
        texts = texts_of(content, path.name) if is_picture(content) else None
    except (OSError, InvalidFileError):
        return Words()
    if texts is None:
        return Words()
    text = texts.named.get("parameters", "") or texts.comment or texts.plain
    ends = [place for mark in (_NEGATIVE, _SETTINGS) if (place := text.find(mark)) >= 0]
    prompt, loras = split_tags(text[: min(ends, default=len(text))])
    return Words(text, prompt.strip(), tuple(dict.fromkeys(lora.name for lora in loras)))
