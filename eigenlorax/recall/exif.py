"""The texts in Exif data: a small TIFF file inside a picture."""

from collections.abc import Iterator
from typing import Literal

Order = Literal["little", "big"]
USER_COMMENT, DESCRIPTION, MAKE, MODEL = 0x9286, 0x010E, 0x010F, 0x0110
_EXIF_FOLDER = 0x8769
_WANTED = (USER_COMMENT, DESCRIPTION, MAKE, MODEL)
_WIDTHS = {1: 1, 2: 1, 7: 1}
_MOST_ENTRIES = 512


def exif_texts(content: bytes) -> dict[int, str]:
    """Tag -> text, for the tags that programs write settings into; empty for what is no Exif.

    Args:
        content: From the byte order mark on; an "Exif" header before it is passed over.

    Source: TIFF 6.0, section 2; Exif 2.32, 4.6.5 (UserComment: eight bytes name its encoding).
    """
    start = min((at for mark in (b"II*\0", b"MM\0*") if (at := content[:64].find(mark)) >= 0), default=-1)
    if start < 0:
        return {}
    tiff = content[start:]
    order: Order = "little" if tiff[:1] == b"I" else "big"
    found: dict[int, str] = {}
    folders, seen = [int.from_bytes(tiff[4:8], order)], set[int]()
    while folders and len(seen) < 4:
        place = folders.pop(0)
        if place in seen:
            continue
        seen.add(place)
        for tag, value in _entries(tiff, place, order):
            if tag == _EXIF_FOLDER:
                folders.append(int.from_bytes(value[:4], order))
            elif words := _text(tag, value, order):
                found.setdefault(tag, words)
    return found


def _entries(tiff: bytes, place: int, order: Order) -> Iterator[tuple[int, bytes]]:
    """The entries of one folder that are wanted, with their bytes."""

    def whole(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], order)

    for entry in range(min(whole(place, 2), _MOST_ENTRIES)):
        at = place + 2 + 12 * entry
        tag, kind, count = whole(at, 2), whole(at + 2, 2), whole(at + 4, 4)
        if tag == _EXIF_FOLDER:
            yield tag, tiff[at + 8 : at + 12]
        elif tag in _WANTED and kind in _WIDTHS:
            begin = at + 8 if count <= 4 else whole(at + 8, 4)
            yield tag, tiff[begin : begin + count]


def _text(tag: int, value: bytes, order: Order) -> str:
    if tag != USER_COMMENT:
        return value.decode("utf-8", "replace").strip("\0 ")
    head, body = value[:8], value[8:]
    if head == b"UNICODE\0":
        return _utf16(body, order).strip("\0")
    if head in (b"ASCII\0\0\0", b"\0" * 8):
        return body.decode("utf-8", "replace").strip("\0")
    return value.decode("utf-8", "replace").strip("\0")


def _utf16(body: bytes, order: Order) -> str:
    """UTF-16 of either byte order: programs write both, whatever the file's; UTF-8 too."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace")
    even, odd = body[0:400:2].count(0), body[1:400:2].count(0)
    if not even and not odd and _is_utf8(body):
        return body.decode("utf-8")
    big = even > odd if even != odd else order == "big"
    return body.decode("utf-16-be" if big else "utf-16-le", "replace")


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
