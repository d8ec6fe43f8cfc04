"""The pictures that a style is to be taught from: dropped, named by path, or the demo's; with captions."""

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from eigenlorax.errors import InvalidFileError, InvalidRequestError
from eigenlorax.home import DEMO_LORAS
from eigenlorax.jobs.drops import keep_drops
from eigenlorax.studio import Studio
from eigenlorax.training.captions import Caption, Origin, own_words
from eigenlorax.training.pictures import LeftOut, Taken, picture_of, survey
from ui import train_text
from ui.thumbs import SIDE, thumbnail_folder

EXAMPLES = DEMO_LORAS.parent / "images" / "streamline-emojis" / "train"
EXAMPLE_TRIGGER = "streamline style"
_EXAMPLE_COUNT = 8
_EMPTY = "[]"


@dataclass(frozen=True)
class Chosen:
    """What came of the files that were given.

    Attributes:
        table: The value of the page's table: all pictures by now, as JSON text.
        left_out: Name of a file -> why it is not learnt from.
    """

    table: str
    left_out: tuple[tuple[str, str], ...]

    @property
    def count(self) -> int:
        """How many pictures the table has."""
        return len(json.loads(self.table))


def has_examples(studio: Studio) -> bool:
    """Whether the demo's pictures make sense: they were drawn for the demo's model."""
    return any(path.parent == DEMO_LORAS for path in studio.library.lora_paths())


def examples(studio: Studio) -> Chosen:
    """The demo's pictures in place of what the table has."""
    return named(studio, _EMPTY, sorted(EXAMPLES.glob("*.webp"))[:_EXAMPLE_COUNT])


def dropped(studio: Studio, table: str, files: Sequence[Path]) -> Chosen:
    """Uploaded files, each of which lies in a folder of its own, join the table.

    They are moved to where they stay as long as a job asks for them: a training outlives the page.

    Raises:
        NotWrittenError: the disk refused.
    """
    fates = list(survey(files))
    taken = [fate for fate in fates if isinstance(fate, Taken)]
    captions = own_words(taken)
    kept = keep_drops(studio.library.root, [one.path for one in taken])
    places = [replace(one, path=path) for one, path in zip(taken, kept, strict=True)]
    for file in files:
        shutil.rmtree(file.parent, ignore_errors=True)
    return _joined(studio, table, places, captions, fates)


def named(studio: Studio, table: str, sources: Iterable[Path]) -> Chosen:
    """Files and folders on the server's disk join the table; they stay where they are."""
    fates = list(survey(sources))
    taken = [fate for fate in fates if isinstance(fate, Taken)]
    return _joined(studio, table, taken, own_words(taken), fates)


def typed(studio: Studio, table: str, given: str) -> Chosen:
    """A path that the user typed or pasted, quotes allowed.

    Raises:
        InvalidRequestError: it is empty, leads nowhere, or holds no file.
    """
    cleaned = given.strip().strip("\"'")
    path = Path(cleaned).expanduser()
    if not cleaned:
        raise InvalidRequestError(train_text.NO_FOLDER)
    if not path.exists():
        raise InvalidRequestError(train_text.nowhere(cleaned))
    chosen = named(studio, table, [path])
    if not chosen.count and not chosen.left_out:
        raise InvalidRequestError(train_text.nothing_found(cleaned))
    return chosen


def captions_from(table: str) -> tuple[Caption, ...]:
    """The table's rows as a person left them.

    Raises:
        InvalidRequestError: it is not the JSON of a table.
    """
    return tuple(Caption(Path(row["path"]), row["text"], Origin.EDITED) for row in _rows(table))


def _rows(table: str) -> list[dict[str, Any]]:
    try:
        rows = json.loads(table or _EMPTY)
        if isinstance(rows, dict):
            raise TypeError("an object is no list")
        return [dict(row, path=str(row["path"]), text=str(row["text"])) for row in rows]
    except (TypeError, ValueError, KeyError) as error:
        raise InvalidRequestError(
            'pictures must be JSON such as [{"path": "/me/fox.png", "text": "a fox"}]'
        ) from error


def _written(rows: Sequence[dict[str, Any]]) -> str:
    return json.dumps(rows, ensure_ascii=False)


def _joined(
    studio: Studio, table: str, taken: Sequence[Taken], captions: Sequence[Caption], fates: Sequence[object]
) -> Chosen:
    rows = {row["path"]: row for row in _rows(table)}
    for one, caption in zip(taken, captions, strict=True):
        width, height = one.size
        rows[str(one.path)] = {
            "path": str(one.path),
            "name": one.path.name,
            "text": caption.text,
            "origin": caption.origin.value,
            "facts": ", ".join((f"{width} × {height}", *one.words)),
            "thumb": _thumbnail(studio, one),
        }
    left = tuple((one.path.name, one.reason) for one in fates if isinstance(one, LeftOut))
    return Chosen(_written(list(rows.values())), left)


def _thumbnail(studio: Studio, taken: Taken) -> str:
    """The address of a small copy, as the trainer sees the picture; empty for one that has just gone."""
    place = thumbnail_folder(studio) / f"{taken.sha256[:24]}.webp"
    if not place.is_file():
        try:
            small = picture_of(taken)
        except InvalidFileError:
            return ""
        small.thumbnail((SIDE, SIDE))
        place.parent.mkdir(parents=True, exist_ok=True)
        small.save(place, quality=86)
    return f"gradio_api/file={quote(place.as_posix())}"
