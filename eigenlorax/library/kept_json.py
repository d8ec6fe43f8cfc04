"""A small JSON file of the user's, read again when another program has changed it, never half-written."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from eigenlorax.formats.loose_json import json_object
from eigenlorax.library.atomic import told, written_aside


class KeptJson:
    """One JSON object on disk.

    Args:
        path: Where it lies; made with the first change.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, RLock()
        self._state: tuple[int, int] | None = None
        self._content: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        """Its content; empty where it is not there. To be left as it is."""
        with self._lock:
            try:
                now = self._path.stat()
                state = (now.st_mtime_ns, now.st_size)
                if state != self._state:
                    self._content, self._state = json_object(self._path.read_text(encoding="utf-8")), state
            except (OSError, UnicodeDecodeError):
                self._content, self._state = {}, None
            return self._content

    @contextmanager
    def changing(self) -> Iterator[dict[str, Any]]:
        """A copy to change, which is written when the block ends without an exception.

        A file that is there but is not JSON is put aside under its name and ".damaged" first.

        Raises:
            NotWrittenError: the disk refused; the file is as it was.
        """
        with self._lock:
            before = self.read()
            content = json.loads(json.dumps(before))
            yield content
            if content == before:
                return
            with told(self._path):
                if not before and self._path.is_file() and self._path.stat().st_size > len("{}\n"):
                    self._path.replace(self._path.with_name(self._path.name + ".damaged"))
                with written_aside(self._path) as aside:
                    aside.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
