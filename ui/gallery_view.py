"""One picture as the gallery shows it: where it lies and what it says, as values without markup."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from eigenlorax.cases.recall import Recalled, recall_file
from eigenlorax.errors import StudioError
from eigenlorax.outputs.outputs import Outputs
from eigenlorax.outputs.words import words_of
from ui import gallery_text as words

_TITLE_LETTERS = 90


def address(path: Path) -> str:
    """Where the page finds a file."""
    return f"gradio_api/file={quote(path.as_posix())}?{path.stat().st_mtime_ns:x}"


def tile(outputs: Outputs, key: str) -> dict[str, str]:
    """A small picture and its name; without an address when it cannot be shown."""
    try:
        path = outputs.path_of(key)
        title = words_of(path).prompt or path.name
        moving = f" · {words.ANIMATION}" if path.suffix in (".webp", ".gif") else ""
        return {
            "key": key,
            "title": title[:_TITLE_LETTERS] + moving,
            "thumb": address(outputs.thumbnail(key)),
        }
    except StudioError:
        return {"key": key, "title": f"{Path(key).name} · {words.DAMAGED}", "thumb": ""}


def large(outputs: Outputs, key: str) -> dict[str, Any]:
    """A picture with its settings.

    Raises:
        InvalidFileError: it is not there any more.
    """
    path = outputs.path_of(key)
    try:
        told = recall_file(path)
    except StudioError:
        told = None
    facts = [] if told is None else facts_of(told)
    return {
        "key": key,
        "url": address(path),
        "text": words_of(path).text,
        "prompt": told.prompt if told else "",
        "negative": told.negative if told else "",
        "facts": [*facts, [words.FACTS["file"], key]],
        "known": told is not None,
    }


def facts_of(told: Recalled) -> list[list[str]]:
    """Name and value of everything but the prompts."""
    plain = told.settings.told
    width, height, hires = plain.pop("width", None), plain.pop("height", None), told.settings.hires
    found: dict[str, str] = {
        **{key: _shown(value) for key, value in plain.items()},
        "model": told.model,
        "source": told.source,
    }
    found["size"] = f"{width} × {height}" if width and height else ""
    found["hires"] = f"× {hires.scale:g}" if hires and hires.scale else ""
    found["styles"] = ", ".join(f"{one.name} {round(one.strength, 3):g}" for one in told.loras)
    return [
        [name, _shown(found[key])] for key, name in words.FACTS.items() if found.get(key) not in (None, "")
    ]


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
