"""A taught style's picture: a strip of what it drew when it was done, small enough to go in its notes."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from io import BytesIO

from PIL import Image, ImageOps

from eigenlorax.subspace.style import Style

#: The topic of a style's notes.
COVER = "cover"

_HEAD = "data:image/webp;base64,"
_SIDE, _MOST = 128, 4
_MOST_BYTES = 24 * 1024
_QUALITIES = (85, 70, 50, 30, 10)


def cover_note(images: Sequence[Image.Image]) -> Mapping[str, str]:
    """The note that shows these pictures, the first four, side by side at 128 pixels each; none for none."""
    if not images:
        return {}
    shown = [ImageOps.fit(image.convert("RGB"), (_SIDE, _SIDE)) for image in images[:_MOST]]
    strip = Image.new("RGB", (_SIDE * len(shown), _SIDE))
    for place, image in enumerate(shown):
        strip.paste(image, (place * _SIDE, 0))
    content = next(
        (content for quality in _QUALITIES if len(content := _webp(strip, quality)) <= _MOST_BYTES), b""
    )
    return {COVER: _HEAD + base64.b64encode(content).decode()} if content else {}


def cover_of(style: Style) -> bytes | None:
    """The bytes of a style's picture, a WebP file; None where it has none that can be shown."""
    head, encoded = style.notes.get(COVER, "")[: len(_HEAD)], style.notes.get(COVER, "")[len(_HEAD) :]
    if head != _HEAD or len(encoded) > _MOST_BYTES * 4 // 3 + 4:
        return None
    try:
        content = base64.b64decode(encoded, validate=True)
        with Image.open(BytesIO(content), formats=["WEBP"]) as picture:
            if max(picture.size) > _SIDE * _MOST:
                return None
            picture.load()
    except (binascii.Error, ValueError, OSError, SyntaxError, Image.DecompressionBombError):
        return None
    return content


def _webp(picture: Image.Image, quality: int) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, "WEBP", quality=quality)
    return buffer.getvalue()
