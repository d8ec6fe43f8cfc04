"""Where pictures keep texts: found without decoding a pixel, and without trust in any length."""

import html
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from eigenlorax.errors import InvalidFileError
from eigenlorax.recall.bounded import MOST_TEXT
from eigenlorax.recall.exif import DESCRIPTION, MAKE, MODEL, USER_COMMENT, exif_texts

MOST_BYTES = 128 * 1024 * 1024
"""Of a picture; a PNG of 4096 x 4096 has at most 64 MiB."""

PNG = b"\x89PNG\r\n\x1a\n"
_MOST_CHUNKS = 65_536
_TEXT_BYTES = 4 * MOST_TEXT
_XMP_COMMENT = re.compile(r"<exif:UserComment>.{0,400}?<rdf:li[^>]{0,80}>([^<]*)</rdf:li>", re.DOTALL)


@dataclass(frozen=True)
class Texts:
    """What a picture carries.

    Attributes:
        named: Keyword -> text of a PNG's chunks, and of ComfyUI's Exif tags.
        comment: Exif's user comment.
        plain: A GIF's or JPEG's comment, or Exif's description.
        xmp: XMP's user comment.
    """

    named: dict[str, str] = field(default_factory=dict)
    comment: str = ""
    plain: str = ""
    xmp: str = ""


def is_picture(content: bytes) -> bool:
    """Whether bytes begin as a picture of a kind that is read here."""
    return (
        content.startswith((PNG, b"\xff\xd8\xff", b"GIF87a", b"GIF89a"))
        or (content[:4] == b"RIFF" and content[8:12] == b"WEBP")
        or content[4:8] == b"ftyp"
    )


def texts_of(content: bytes, name: str) -> Texts:
    """The texts in a PNG, JPEG, WebP, AVIF or GIF picture; what is cut off after them does not matter.

    Args:
        content: The whole file.
        name: The file's, for messages.

    Raises:
        InvalidFileError: no such picture, or larger than any.
    """
    if len(content) > MOST_BYTES:
        raise InvalidFileError(f"{name} is larger than {MOST_BYTES >> 20} MiB: choose the picture itself")
    if content.startswith(PNG):
        return _png(content)
    if content.startswith(b"\xff\xd8\xff"):
        return _jpeg(content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        exif = b"".join(data for kind, data in _riff(content) if kind == b"EXIF")
        xmp = b"".join(data for kind, data in _riff(content) if kind == b"XMP ")
        return _of_exif(exif, xmp)
    if content[4:8] == b"ftyp":
        return _heif(content)
    if content.startswith((b"GIF87a", b"GIF89a")):
        return Texts(plain=_gif(content))
    raise InvalidFileError(f"{name} is no PNG, JPEG, WebP, AVIF or GIF picture: choose one as it was saved")


def _png(content: bytes) -> Texts:
    """Source: Portable Network Graphics Specification (Third Edition), 11.3.3 (text) and 11.3.3.6 (eXIf)."""
    named: dict[str, str] = {}
    exif, place, left = b"", len(PNG), _TEXT_BYTES
    for _ in range(_MOST_CHUNKS):
        length, kind = int.from_bytes(content[place : place + 4], "big"), content[place + 4 : place + 8]
        if len(kind) < 4 or kind == b"IEND":
            break
        if kind in (b"tEXt", b"zTXt", b"iTXt", b"eXIf") and length <= left:
            data = content[place + 8 : place + 8 + length]
            left -= length
            if kind == b"eXIf":
                exif = data
            elif (pair := _chunk_text(kind, data)) is not None:
                named.setdefault(*pair)
        place += 12 + length
    found = _of_exif(exif, named.get("XML:com.adobe.xmp", "").encode())
    return Texts({**found.named, **named}, found.comment, found.plain, found.xmp)


def _chunk_text(kind: bytes, data: bytes) -> tuple[str, str] | None:
    keyword, found, rest = data.partition(b"\0")
    if not found or len(keyword) > 79:
        return None
    key = keyword.decode("latin-1")
    if kind == b"tEXt":
        return key, _utf8_or_latin(rest)
    if kind == b"zTXt":
        return (key, _utf8_or_latin(text)) if (text := _inflated(rest[1:])) is not None else None
    packed = rest[:1] == b"\1"
    _, _, rest = rest[2:].partition(b"\0")
    _, _, rest = rest.partition(b"\0")
    text = _inflated(rest) if packed else rest
    return None if text is None else (key, text.decode("utf-8", "replace"))


def _utf8_or_latin(text: bytes) -> str:
    """tEXt is Latin-1 by its specification; several programs write UTF-8 all the same."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _inflated(packed: bytes) -> bytes | None:
    """None where it is damaged; nothing beyond a bound is unpacked."""
    unpack = zlib.decompressobj()
    try:
        return unpack.decompress(packed, _TEXT_BYTES)
    except zlib.error:
        return None


def _jpeg(content: bytes) -> Texts:
    """Source: ITU-T T.81, B.1.1.4: a marker, then the length of its segment; pixels begin at SOS."""
    exif = xmp = comment = b""
    place = 2
    while content[place : place + 1] == b"\xff":
        marker, length = content[place + 1 : place + 2], int.from_bytes(content[place + 2 : place + 4], "big")
        if marker in (b"", b"\xda", b"\xd9") or length < 2:
            break
        data = content[place + 4 : place + 2 + length]
        if marker == b"\xe1" and data.startswith(b"Exif\0"):
            exif = exif or data
        elif marker == b"\xe1" and data.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
            xmp = xmp or data
        elif marker == b"\xfe":
            comment = comment or data
        place += 2 + length
    found = _of_exif(exif, xmp)
    return Texts(
        found.named, found.comment, found.plain or comment.decode("utf-8", "replace").strip("\0"), found.xmp
    )


def _riff(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 12
    for _ in range(_MOST_CHUNKS):
        kind, length = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8], "little")
        if len(kind) < 4:
            return
        if kind in (b"EXIF", b"XMP "):
            yield kind, content[place + 8 : place + 8 + length]
        place += 8 + length + length % 2


def _heif(content: bytes) -> Texts:
    """AVIF keeps Exif as an item somewhere in the file: whatever looks like its start is tried."""
    for match in list(re.finditer(rb"II\*\0|MM\0\*", content))[:64]:
        found = _of_exif(content[match.start() : match.start() + _TEXT_BYTES], b"")
        if found.comment or found.plain or found.named:
            return found
    return Texts()


def _of_exif(exif: bytes, xmp: bytes) -> Texts:
    told = exif_texts(exif)
    named = {}
    # ComfyUI writes "prompt:{...}" and "workflow:{...}" into the camera's name and maker.
    for tag in (MODEL, MAKE):
        key, _, rest = told.get(tag, "").partition(":")
        if key.lower() in ("prompt", "workflow") and rest:
            named[key.lower()] = rest
    match = _XMP_COMMENT.search(xmp[:_TEXT_BYTES].decode("utf-8", "replace"))
    comment = html.unescape(match.group(1)) if match else ""
    return Texts(named, told.get(USER_COMMENT, ""), told.get(DESCRIPTION, ""), comment)


def _gif(content: bytes) -> str:
    """The first comment.

    Source: GIF89a, 18 to 24: a block begins with its kind, its data lie in pieces of at most 255 bytes.
    """
    flags = content[10:11] or b"\0"
    place = 13 + (3 * 2 ** ((flags[0] & 7) + 1) if flags[0] & 0x80 else 0)
    for _ in range(_MOST_CHUNKS):
        kind = content[place : place + 1]
        if kind == b"!":
            label = content[place + 1 : place + 2]
            data, place = _pieces(content, place + 2)
            if label == b"\xfe":
                return data.decode("utf-8", "replace").strip("\0")
        elif kind == b",":
            flags = content[place + 9 : place + 10] or b"\0"
            table = 3 * 2 ** ((flags[0] & 7) + 1) if flags[0] & 0x80 else 0
            place = _pieces(content, place + 11 + table)[1]
        else:
            break
    return ""


def _pieces(content: bytes, place: int) -> tuple[bytes, int]:
    found = []
    while (size := content[place] if place < len(content) else 0) > 0:
        found.append(content[place + 1 : place + 1 + size])
        place += 1 + size
    return b"".join(found), place + 1
