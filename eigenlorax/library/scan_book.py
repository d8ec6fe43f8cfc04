"""What scans have said, each kept for as long as the file and its sidecars stay as they are."""

import json
from pathlib import Path
from threading import Lock
from typing import Any

from eigenlorax.library.atomic import written_aside
from eigenlorax.library.book_lines import add_lines, book_lines
from eigenlorax.library.listing import Listing, as_json, from_json
from eigenlorax.library.walk import Seen

_VERSION = 1
_MOST_BYTES = 256 * 1024 * 1024


class ScanBook:
    """A file of lines that only grows, the later of two lines for one file counts.

    What it holds can be found out again, so lines that cannot be read are passed over.

    Args:
        cache: The folder it lies in; made with the first entry.
        layout: Hash of the base model's layout: the same file gets another verdict on another base.
    """

    def __init__(self, cache: Path, layout: str) -> None:
        self._path = cache / f"scans-{_VERSION}-{layout[:12]}.jsonl"
        self._lock = Lock()
        self._states: dict[str, list[Any]] = {}
        self._listings: dict[str, Any] = {}
        lines = book_lines(self._path, _MOST_BYTES)
        for line in lines:
            self._note(line)
        if len(lines) > 2 * len(self._states) + 100:
            self._shorten()

    def known(self, seen: Seen) -> Listing | None:
        """What was said of a file that has not changed since, nor anything beside it."""
        key = str(seen.path)
        if self._states.get(key) != seen.state:
            return None
        found = self._listings[key]
        if not isinstance(found, Listing):
            try:
                found = self._listings[key] = from_json(found)
            except (KeyError, TypeError, ValueError, OverflowError):
                del self._states[key]
                return None
        return found

    def keep(self, found: list[tuple[Seen, Listing]]) -> None:
        """Remember what was said of files, in one write."""
        if not found:
            return
        lines = [_line(str(seen.path), seen.state, as_json(listing)) for seen, listing in found]
        with self._lock:
            for seen, listing in found:
                self._states[str(seen.path)], self._listings[str(seen.path)] = seen.state, listing
            add_lines(self._path, "".join(lines))

    def _note(self, line: str) -> None:
        try:
            path, state, listing = json.loads(line)
        except (ValueError, TypeError, RecursionError):
            return
        self._states[str(path)], self._listings[str(path)] = state, listing

    def _shorten(self) -> None:
        with written_aside(self._path) as aside:
            aside.write_text(
                "".join(_line(path, state, self._listings[path]) for path, state in self._states.items()),
                encoding="utf-8",
            )


def _line(path: str, state: list[Any], listing: Any) -> str:
    return json.dumps([path, state, listing], ensure_ascii=False) + "\n"
