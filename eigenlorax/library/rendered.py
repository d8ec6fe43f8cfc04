"""Covers that this program has drawn, one for a style, kept in the data folder."""

import hashlib
from pathlib import Path

from PIL import Image

from eigenlorax.library.atomic import told, written_aside

_QUALITY = 90


def rendered_cover(root: Path, name: str) -> Path | None:
    """A style's drawn cover; None where none was drawn."""
    path = _path(root, name)
    return path if path.is_file() else None


def keep_rendered(root: Path, name: str, picture: Image.Image) -> Path:
    """Keep a picture as a style's cover, in place of an earlier one.

    Args:
        root: The data folder.
        name: The style's.
        picture: Kept as it is, as WebP.

    Raises:
        NotWrittenError: the disk refused; an earlier one stays.
    """
    path = _path(root, name)
    with told(path), written_aside(path) as aside:
        picture.save(aside, "WEBP", quality=_QUALITY)
    return path


def _path(root: Path, name: str) -> Path:
    # A style may be called what no file can be.
    return root / "covers" / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.webp"
