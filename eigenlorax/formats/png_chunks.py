"""Chunks of a PNG file: walked without decoding a pixel, and without trust in any length."""

import zlib
from pathlib import Path
from typing import BinaryIO

from eigenlorax.errors import InvalidFileError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD, _CHECKSUM = 8, 4
#: Encoders write pixels in pieces of 8 KiB or more: this many chunks are half a gigabyte.
_MAX_CHUNKS = 65_536


def is_png(path: Path) -> bool:
    """Whether a file begins as PNG files do; one that cannot be read does not."""
    try:
        with path.open("rb") as file:
            return file.read(len(_SIGNATURE)) == _SIGNATURE
    except OSError:
        return False


def read_chunks(path: Path, kind: bytes, limit: int) -> bytes:
    """What all chunks of one type hold together, in their order; empty when there is none.

    Only these chunks are read and checked; a picture whose pixels are damaged still gives them.

    Args:
        path: The file.
        kind: Four letters.
        limit: Most bytes of all of them; nothing beyond it is read.

    Raises:
        InvalidFileError: not a PNG file, cut off, or such a chunk is damaged or too large.

    Source: Portable Network Graphics Specification (Third Edition), 5.3: length, type, data, and the CRC-32
        of type and data; lengths are below 2**31.
    """
    size = path.stat().st_size
    found: list[bytes] = []
    with path.open("rb") as file:
        if file.read(len(_SIGNATURE)) != _SIGNATURE:
            raise InvalidFileError(f"{path.name} is no PNG picture: choose the file as it was sent")
        for _ in range(_MAX_CHUNKS):
            head = file.read(_HEAD)
            length, name = int.from_bytes(head[:4], "big"), head[4:]
            if len(head) < _HEAD or file.tell() + length + _CHECKSUM > size:
                raise InvalidFileError(f"{path.name} is a PNG that is cut off or damaged: get it again")
            if name == b"IEND":
                return b"".join(found)
            if name != kind:
                file.seek(length + _CHECKSUM, 1)
                continue
            limit -= length
            if limit < 0:
                raise InvalidFileError(f"{path.name} holds more than a picture may carry: do not trust it")
            found.append(_checked(path, file, kind, length))
    raise InvalidFileError(f"{path.name} has over {_MAX_CHUNKS} chunks, which no picture has")


def _checked(path: Path, file: BinaryIO, kind: bytes, length: int) -> bytes:
    data = file.read(length)
    if zlib.crc32(kind + data) != int.from_bytes(file.read(_CHECKSUM), "big"):
        raise InvalidFileError(f"{path.name} is damaged: what it carries does not match its checksum")
    return data
