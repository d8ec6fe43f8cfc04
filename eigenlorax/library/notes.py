"""What the user says of LoRAs and styles: kept in the data folder, never beside somebody else's files."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from eigenlorax.errors import InvalidRequestError, refuse_outside
from eigenlorax.library.kept_json import KeptJson

MOST_STARS = 5
_MOST_LETTERS = 20_000
_MOST_WORDS = 200


@dataclass(frozen=True)
class Note:
    """What a user says of one LoRA or style; None is silence, and lets others speak.

    Attributes:
        favourite: Whether it is one.
        rating: 1 to 5 stars; 0 for none.
        tags: In place of those that came with the file.
        trigger_words: In place of those that came with the file.
        preferred_weight: The strength that it is switched on with.
        text: Free words.
    """

    favourite: bool | None = None
    rating: int = 0
    tags: tuple[str, ...] | None = None
    trigger_words: tuple[str, ...] | None = None
    preferred_weight: float | None = None
    text: str = ""


SILENT = Note()


class Notes:
    """The notes of a library by name.

    Args:
        path: The JSON file.
    """

    def __init__(self, path: Path) -> None:
        self._kept = KeptJson(path)
        self._read: tuple[object, dict[str, Note]] = (None, {})

    def all(self) -> Mapping[str, Note]:
        """Every note by name; an entry that cannot be read says nothing."""
        content = self._kept.read()
        if self._read[0] is not content:
            entries = content.get("loras")
            pairs = entries.items() if isinstance(entries, dict) else ()
            self._read = content, {name: _read(entry) for name, entry in pairs}
        return self._read[1]

    def of(self, name: str) -> Note:
        """One note; `SILENT` where there is none."""
        return self.all().get(name, SILENT)

    def write(self, name: str, changes: Mapping[str, Any]) -> Note:
        """Change some attributes of a note, by name; what is not named stays.

        Raises:
            InvalidRequestError: an attribute that there is not, or a value that it cannot have.
            NotWrittenError: the disk refused.
        """
        note = replace(self.of(name), **_checked(changes))
        with self._kept.changing() as content:
            if not isinstance(content.get("loras"), dict):
                content["loras"] = {}
            entries = content["loras"]
            said = asdict(note).items()
            entries[name] = {key: value for key, value in said if value != getattr(SILENT, key)}
            if not entries[name]:
                del entries[name]
        return note


def words_of(text: str) -> tuple[str, ...]:
    """The words or phrases of a comma-separated line, each once."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    if strange := sorted(changes.keys() - {one.name for one in fields(Note)}):
        raise InvalidRequestError(f"a note has no {strange[0]!r}")
    values = dict(changes)
    if (weight := values.get("preferred_weight")) is not None:
        refuse_outside({"preferred weight": (_number(weight), -10.0, 10.0)})
        values["preferred_weight"] = float(weight)
    if "rating" in values:
        refuse_outside({"rating": (_number(values["rating"]), 0, MOST_STARS)})
        values["rating"] = int(values["rating"])
    for name in ("tags", "trigger_words"):
        if (words := values.get(name)) is not None:
            if isinstance(words, str) or not all(isinstance(word, str) for word in words):
                raise InvalidRequestError(f"{name} must be a list of words")
            values[name] = tuple(words)[:_MOST_WORDS]
    if len(str(values.get("text", ""))) > _MOST_LETTERS:
        raise InvalidRequestError(f"a note holds at most {_MOST_LETTERS:,} letters: shorten it")
    return values


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidRequestError(f"{value!r} is no number")
    return float(value)


def _read(entry: Any) -> Note:
    try:
        known = {key: entry[key] for key in entry if key in {one.name for one in fields(Note)}}
        return replace(SILENT, **_checked(known))
    except (InvalidRequestError, TypeError, ValueError):
        return SILENT
