"""Small copies of preview pictures in the cache, the only pictures besides the outputs that are served."""

import hashlib
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from eigenlorax.studio import Studio

SIDE = 128


def thumbnail_folder(studio: Studio) -> Path:
    """Where thumbnails are kept; made anew when it is emptied."""
    return studio.library.root / "cache" / "thumbnails"


def thumbnail_url(preview: Path | None, folder: Path) -> str:
    """The address of a preview's thumbnail, made when it is first asked for; "" when there is none.

    Args:
        preview: A picture beside a LoRA, from anywhere on disk; never served itself.
        folder: The thumbnail folder.
    """
    if preview is None:
        return ""
    key = hashlib.sha256(f"{preview}|{preview.stat().st_mtime_ns}".encode()).hexdigest()[:24]
    thumbnail = folder / f"{key}.webp"
    if not thumbnail.is_file():
        try:
            with Image.open(preview) as picture:
                small = _first(picture.convert("RGB"))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return ""
        small.thumbnail((SIDE, SIDE))
        small.save(thumbnail, quality=86)
    return f"gradio_api/file={quote(thumbnail.as_posix())}"


def _first(picture: Image.Image) -> Image.Image:
    """The first picture of a strip, as taught styles bring one; any other picture as it is."""
    side = picture.height
    return picture.crop((0, 0, side, side)) if picture.width >= 2 * side else picture
