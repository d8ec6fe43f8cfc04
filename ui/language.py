"""The page's language: words are written in English, and looked up in the table of the chosen language."""

import json
import locale
import os
import re
from collections.abc import Mapping
from pathlib import Path

ENGLISH = "en"
LANGUAGES: Mapping[str, tuple[str, ...]] = {ENGLISH: ("en", "english"), "ja": ("ja", "japanese")}
"""Code of a language -> how systems call it."""
_FOLDER = Path(__file__).resolve().parent.parent / "assets" / "languages"
_CHOSEN: dict[str, str] = {}


def choose(code: str) -> None:
    """Speak this language from now on; the modules that hold the page's words are to be imported after it.

    Args:
        code: One of `LANGUAGES`.
    """
    _CHOSEN.clear()
    if code != ENGLISH:
        _CHOSEN.update(json.loads((_FOLDER / f"{code}.json").read_text(encoding="utf-8")))


def say(english: str, **values: object) -> str:
    """A sentence in the chosen language; one that its table lacks stays English.

    Args:
        english: The sentence, the key of the table; {name} stands for a value, as in `str.format`.
        values: What stands there; without any, braces are plain letters.
    """
    sentence = _CHOSEN.get(english, english)
    return sentence.format(**values) if values else sentence


def of_system(environment: Mapping[str, str] = os.environ) -> str:
    """The code of the language that the system speaks, English where the page does not know it."""
    told = (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    named = next(filter(None, told), None) or locale.getlocale()[0] or ""
    language = re.split(r"[^a-z]", named.lower())[0]
    return next((code for code, names in LANGUAGES.items() if language in names), ENGLISH)
