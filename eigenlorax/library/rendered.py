"""Covers that this program has drawn, one for a style, kept in the data folder."""

import hashlib
from pathlib import Path

from PIL import Image

from eigenlorax.library.atomic import told, written_aside
from eigenlorax.library.kept_json import KeptJson

_QUALITY = 90


def rendered_cover(root: Path, name: str) -> Path | None:
    """A style's drawn cover; None where none was drawn."""
    path = _path(root, name)
    return path if path.is_file() else None


class RenderedCovers:
    """The drawn covers of a data folder, and how each was drawn.

    Args:
        root: The data folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._kept = KeptJson(root / "covers" / "recipes.json")

    def recipe(self, name: str) -> str:
        """How a style's cover was drawn; empty where none was."""
        known = self._kept.read().get(name, "") if rendered_cover(self._root, name) else ""
        return known if isinstance(known, str) else ""

    def keep(self, name: str, picture: Image.Image, recipe: str) -> Path:
        """Keep a picture as a style's cover, in place of an earlier one.

        Args:
            name: The style's.
            picture: Kept in its size, as WebP.
            recipe: Differs whenever another picture would be drawn.

        Raises:
            NotWrittenError: the disk refused; an earlier one stays.
        """
        path = _path(self._root, name)
        with told(path), written_aside(path) as aside:
            picture.save(aside, "WEBP", quality=_QUALITY)
        with self._kept.changing() as content:
            content[name] = recipe
        return path


def _path(root: Path, name: str) -> Path:
    # A style may be called what no file can be.
    return root / "covers" / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.webp"
