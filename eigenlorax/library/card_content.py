"""The bytes that a style card carries: what it says of itself, and a payload compressed by zlib.

One byte for the format, four for the length of the text (little-endian), the text as JSON, the payload.
Sizes are told before they are believed: nothing is unpacked beyond what the text says and a card may have.
"""

import hashlib
import json
import zlib
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from eigenlorax.errors import InvalidFileError, InvalidRequestError
from eigenlorax.library.kinds import believed

MAX_PAYLOAD_BYTES = 16 * 1024 * 1024
"""Most bytes of a style in a card before compression: what services take as one picture, and no more."""

_VERSION = 1
_HEAD = 5
_MAX_ABOUT = 1 << 16

#: zlib makes what cannot be compressed larger by some bytes in each 16 KiB.
MAX_CONTENT = MAX_PAYLOAD_BYTES + MAX_PAYLOAD_BYTES // 1000 + _MAX_ABOUT
"""Most bytes that a card carries."""

REMEDY = "ask for the card again, sent as a file"
"""What to do about a damaged one."""


class CardKind(StrEnum):
    """What a card carries: coefficients for one subspace, or the columns that they need as well."""

    LIGHT = "light"
    WHOLE = "whole"


@dataclass(frozen=True)
class CardFacts:
    """What a card says of itself before it is unpacked.

    Attributes:
        kind: Light or whole.
        name: The style's.
        subspace: Hash of the subspace that the style was in.
        base: Name of the base model it was made for; empty where nobody knew.
        payload_bytes: Of the style before compression.
        sha256: Of the same bytes, hex.
    """

    kind: CardKind
    name: str
    subspace: str
    base: str
    payload_bytes: int
    sha256: str


def joined(facts: CardFacts, payload: bytes) -> bytes:
    """The bytes that a card carries.

    Raises:
        InvalidRequestError: the style's name is too long to be told.
    """
    about = json.dumps(asdict(facts), ensure_ascii=False).encode()
    if len(about) > _MAX_ABOUT:
        raise InvalidRequestError(
            f"the name of {facts.name[:40]}... is too long for a card: rename the style"
        )
    return bytes([_VERSION]) + len(about).to_bytes(4, "little") + about + zlib.compress(payload, 9)


def split(file_name: str, content: bytes) -> tuple[CardFacts, bytes]:
    """What a card says of itself, and its compressed payload; `content` is not empty.

    Raises:
        InvalidFileError: damaged, of a later format, or it would unpack to more than a card may have.
    """
    if content[0] != _VERSION:
        raise InvalidFileError(
            f"{file_name} is a card of format {content[0]}, unknown here: update the program"
        )
    length = int.from_bytes(content[1:_HEAD], "little")
    if length > min(_MAX_ABOUT, len(content) - _HEAD):
        raise InvalidFileError(f"{file_name} is damaged: {REMEDY}")
    with believed(Path(file_name), REMEDY):
        about = json.loads(content[_HEAD : _HEAD + length])
        size = _size(about.pop("payload_bytes"))
        told = strings(about)
        facts = CardFacts(
            CardKind(told["kind"]), told["name"], told["subspace"], told["base"], size, told["sha256"]
        )
    if facts.payload_bytes > MAX_PAYLOAD_BYTES:
        raise InvalidFileError(
            f"{file_name} would unpack to {facts.payload_bytes:,} bytes, and a card holds "
            f"{MAX_PAYLOAD_BYTES:,} at most: do not trust it"
        )
    return facts, content[_HEAD + length :]


def inflated(file_name: str, packed: bytes, facts: CardFacts) -> bytes:
    """The payload, its checksum compared; no more memory is taken than the facts say.

    Raises:
        InvalidFileError: it is not what the facts say.
    """
    stream = zlib.decompressobj()
    try:
        payload = stream.decompress(packed, facts.payload_bytes + 1)
    except zlib.error as error:
        raise InvalidFileError(f"{file_name} is damaged ({error}): {REMEDY}") from error
    if len(payload) != facts.payload_bytes or not stream.eof or stream.unused_data:
        raise InvalidFileError(f"{file_name} does not unpack to what it says: {REMEDY}")
    if hashlib.sha256(payload).hexdigest() != facts.sha256:
        raise InvalidFileError(f"{file_name} is damaged: its style does not match its checksum; {REMEDY}")
    return payload


def strings(told: Any) -> dict[str, str]:
    """What should say text by text.

    Raises:
        ValueError: it does not.
    """
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise ValueError("it should say text")
    return told


def _size(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no size")
    return value
