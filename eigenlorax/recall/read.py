"""From a picture, a text file or pasted text to what it was drawn with, whichever program wrote it."""

from collections.abc import Mapping
from typing import Any

from eigenlorax.errors import InvalidFileError
from eigenlorax.recall.a1111 import read_a1111
from eigenlorax.recall.bounded import MOST_TEXT, mapping, parsed, text
from eigenlorax.recall.carriers import MOST_BYTES, Texts, is_picture, texts_of
from eigenlorax.recall.comfy import read_comfy
from eigenlorax.recall.fooocus import is_fooocus, read_fooocus
from eigenlorax.recall.invoke import is_invoke, read_invoke
from eigenlorax.recall.others import is_draw_things, is_novelai, read_draw_things, read_novelai
from eigenlorax.recall.recalled import Recalled
from eigenlorax.recall.swarm import is_swarm, read_swarm

PROGRAMS = "A1111, Forge, SD.Next, ComfyUI, InvokeAI, SwarmUI, Fooocus, NovelAI or Draw Things"


def recall(content: bytes, name: str) -> Recalled:
    """What a file says of how it was drawn.

    Args:
        content: A PNG, JPEG, WebP, AVIF or GIF picture, or a text file as A1111 saves it beside one.
        name: The file's, for messages.

    Raises:
        InvalidFileError: it carries no settings, or such as cannot be read; says what to do.
    """
    if is_picture(content):
        found = _from(texts_of(content, name))
    elif len(content) > MOST_BYTES or b"\0" in content[:1024]:
        raise InvalidFileError(f"{name} is neither a picture nor a text: choose a picture of {PROGRAMS}")
    else:
        found = recall_text(content[:MOST_TEXT].decode("utf-8-sig", "replace"))
    if found is None or found.is_empty:
        raise InvalidFileError(
            f"{name} carries no settings: messengers and picture sites remove them, so choose the file as "
            f"{PROGRAMS} saved it"
        )
    return found


def recall_text(words: str) -> Recalled:
    """What a text says: an infotext, or JSON of any of the programs.

    Raises:
        InvalidFileError: it is JSON that none of them writes.
    """
    words = words.strip().strip("\ufeff\0")
    if not words.startswith("{"):
        return read_a1111(words)
    told = mapping(parsed(words, "the text"))
    found = _from_object(told)
    if found is None:
        raise InvalidFileError(f"this JSON is none that {PROGRAMS} writes: paste the picture's own settings")
    return found


def _from(texts: Texts) -> Recalled | None:
    """By the order of A1111, programs with keys of their own before."""
    named = texts.named
    if "invokeai_metadata" in named:
        return read_invoke(mapping(parsed(named["invokeai_metadata"], "InvokeAI's metadata")))
    if "parameters" in named:
        return recall_text(named["parameters"])
    if "prompt" in named or "workflow" in named:
        return _from_comfy(named)
    if named.get("Software", "") == "NovelAI" and "Comment" in named:
        told = mapping(parsed(named["Comment"], "NovelAI's comment"))
        return read_novelai(told, named.get("Description", ""), named.get("Source", ""))
    for words in (
        texts.xmp,
        texts.comment,
        texts.plain,
        named.get("Comment", ""),
        named.get("UserComment", ""),
    ):
        if words.strip():
            found = recall_text(words)
            if not found.is_empty and (found.settings.told or words.lstrip().startswith("{")):
                return found
    return None


def _from_comfy(named: Mapping[str, str]) -> Recalled:
    """The graph that ran, else the one on the page."""
    problem: InvalidFileError | None = None
    for key in ("prompt", "workflow"):
        if key in named:
            try:
                return read_comfy(mapping(parsed(named[key], f"ComfyUI's {key}")))
            except InvalidFileError as error:
                problem = problem or error
    raise problem or InvalidFileError("ComfyUI's graph is empty")


def _from_object(told: Mapping[str, Any]) -> Recalled | None:
    if is_swarm(told):
        return read_swarm(told)
    if is_invoke(told):
        return read_invoke(told)
    if is_fooocus(told):
        return read_fooocus(told)
    if is_draw_things(told):
        return read_draw_things(told)
    if is_novelai(told):
        return read_novelai(told)
    if isinstance(told.get("nodes"), list) or any("class_type" in mapping(one) for one in told.values()):
        return read_comfy(told)
    for key in ("prompt", "workflow", "parameters"):
        inner = told.get(key)
        if isinstance(inner, dict):
            return _from_object(inner)
        if key == "parameters" and text(inner):
            return recall_text(text(inner))
    return None
