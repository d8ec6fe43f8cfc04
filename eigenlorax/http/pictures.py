"""Pictures in base64, as they travel in JSON."""

import base64
import binascii
from io import BytesIO
from pathlib import Path

from PIL import Image

from eigenlorax.errors import InvalidFileError, InvalidRequestError
from eigenlorax.training.colours import decoded

_OPAQUE = (255, 255)


def bytes_from(text: str, name: str) -> bytes:
    """The bytes of a picture in base64, bare or as a data URL.

    Raises:
        InvalidRequestError: it is an address, which is never fetched, or no base64.
    """
    words = text.strip()
    if words.startswith(("http://", "https://")):
        raise InvalidRequestError(
            f"{name} is an address: nothing is fetched here, send the picture in base64"
        )
    if words.startswith("data:"):
        words = words.partition(",")[2]
    try:
        return base64.b64decode(words, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequestError(f"{name} is no base64: send the bytes of a PNG or JPEG so") from error


def picture_from(text: str, name: str) -> Image.Image:
    """A picture, upright and RGB.

    Raises:
        InvalidRequestError, InvalidFileError: it cannot be read; says why.
    """
    return _decoded(bytes_from(text, name), name)


def mask_from(text: str, name: str) -> Image.Image:
    """A mask, L: white is repainted. Where it has transparent parts, the others are meant, as in A1111.

    Source: AUTOMATIC1111, modules/processing.py (create_binary_mask).

    Raises:
        As `picture_from`.
    """
    content = bytes_from(text, name)
    plain = _decoded(content, name)
    with Image.open(BytesIO(content)) as image:
        if image.mode in ("RGBA", "LA") and image.getchannel("A").getextrema() != _OPAQUE:
            return image.getchannel("A")
    return plain.convert("L")


def file_as_text(path: Path) -> str:
    """A picture's file in base64, byte for byte, so that the text inside it stays.

    Raises:
        InvalidFileError: it is gone.
    """
    try:
        return base64.b64encode(path.read_bytes()).decode("ascii")
    except OSError as error:
        raise InvalidFileError(f"the picture {path.name} is gone: draw it again") from error


def png_as_text(path: Path) -> str | None:
    """A small picture's file as a PNG in base64; None where it is gone."""
    content = BytesIO()
    try:
        with Image.open(path) as image:
            image.save(content, format="PNG")
    except OSError:
        return None
    return base64.b64encode(content.getvalue()).decode("ascii")


def _decoded(content: bytes, name: str) -> Image.Image:
    try:
        return decoded(content)[0]
    except InvalidFileError as error:
        raise InvalidFileError(f"{name} {error}") from error
