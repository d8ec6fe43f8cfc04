"""Small copies of preview pictures in the cache, the only pictures besides the outputs that are served."""

import hashlib
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.shown_picture import opened
from eigenlorax.library.atomic import written_aside
from eigenlorax.studio import Studio

SIDE = 256


def thumbnail_folder(studio: Studio) -> Path:
    """Where thumbnails are kept; made anew when it is emptied."""
    return studio.library.root / "cache" / "thumbnails"


def thumbnail_url(preview: Path | None, folder: Path) -> str:
    """The address of a preview's thumbnail, made when it is first asked for; "" when there is none.

    Args:
        preview: A picture beside a LoRA, from anywhere on disk; never served itself.
        folder: The thumbnail folder.
    """
    if preview is None or (thumbnail := _thumbnail(preview, folder)) is None:
        return ""
    if not thumbnail.is_file():
        try:
            with opened(preview) as picture:
                picture.draft("RGB", (2 * SIDE, 2 * SIDE))
                small = _first(picture.convert("RGB"))
        except InvalidFileError:
            return ""
        small.thumbnail((SIDE, SIDE))
        folder.mkdir(parents=True, exist_ok=True)
        with written_aside(thumbnail) as aside:  # another page may be shown it at this moment
            small.save(aside, format="WEBP", quality=84)
    return _address(thumbnail)


def thumbnail_if_made(preview: Path | None, folder: Path) -> str:
    """The address of a thumbnail that is there already; "" otherwise. No picture is opened."""
    thumbnail = _thumbnail(preview, folder) if preview else None
    return _address(thumbnail) if thumbnail and thumbnail.is_file() else ""


def _thumbnail(preview: Path, folder: Path) -> Path | None:
    """Where a picture's thumbnail lies, made or not; None where the picture is gone."""
    try:
        changed = preview.stat().st_mtime_ns
    except OSError:
        return None
    key = hashlib.sha256(f"{preview}|{changed}|{SIDE}".encode()).hexdigest()[:24]
    return folder / f"{key}.webp"


def _address(thumbnail: Path) -> str:
    return f"gradio_api/file={quote(thumbnail.as_posix())}"


def _first(picture: Image.Image) -> Image.Image:
    """The first picture of a strip, as taught styles bring one; any other picture as it is."""
    side = picture.height
    return picture.crop((0, 0, side, side)) if picture.width >= 2 * side else picture
