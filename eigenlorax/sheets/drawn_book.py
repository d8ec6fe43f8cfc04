"""Which pictures of sheets are drawn already, so that none is drawn twice."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from eigenlorax.library.atomic import told
from eigenlorax.recipe import GenerationRequest


class DrawnBook:
    """Recipe -> file, a line of JSON each; a line that a crash cut off is passed over.

    Args:
        root: The data folder; files are noted below it.
    """

    def __init__(self, root: Path) -> None:
        self._root, self._path = root, root / "cache" / "sheets.jsonl"
        self._known: dict[str, str] = {}
        if self._path.is_file():
            for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    key, place = json.loads(line)
                    self._known[str(key)] = str(place)
                except (ValueError, TypeError, RecursionError):
                    continue

    def find(self, key: str) -> Path | None:
        """The picture of a recipe, as long as it lies where it was put."""
        place = self._known.get(key)
        path = self._root / place if place else None
        return path if path is not None and path.is_file() else None

    def note(self, key: str, path: Path) -> None:
        """Remember a picture.

        Raises:
            NotWrittenError: the disk refused.
        """
        place = path.relative_to(self._root).as_posix()
        with told(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([key, place]) + "\n")
        self._known[key] = place


def recipe_key(request: GenerationRequest, painted_by: object) -> str:
    """Changes whenever the picture would.

    Args:
        request: One picture, without a canvas.
        painted_by: The model and the styles, as anything that JSON can tell.
    """
    content = json.dumps([asdict(request), painted_by], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:24]
