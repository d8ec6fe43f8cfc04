"""Ways to hurt a good file, each drawn from one generator, so that a case is told by its number alone."""

import json
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

_SIZES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1)
_NUMBERS = (b"-1", b"0", b"1e999", b"-1e999", b"NaN", b"null", b"true", b"9" * 30, b"9" * 400, b"9" * 5000,
            b"1.5", b'"x"', b"[]", b"{}", b"1e-999")  # fmt: skip
#: Values in the place of others: of every kind, beyond every range, and names that lead elsewhere.
ODD: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 1.5, -0.5, 1e308, float("inf"), float("nan"), 2**31, 2**63, 2**64, 10**400,
    "", "x", "0", "-1", "1e999", "nan", "9" * 400, "x" * 70_000, "é\u202e\ud800", "a\0b", "../../up", "/etc/passwd",
    "C:\\up", "CON", "nul.txt", "[", "{", "[1]", "null", '{"a": 1}', [], {}, [[]], [None], [1, 2], ["a", "b", "c"],
    {"": None}, {"a": {"b": []}}, [0] * 3000,
)  # fmt: skip
_DEEP = b"[" * 100_000


def damaged(content: bytes, others: Sequence[bytes], chance: Random) -> bytes:
    """A file that is no longer what it was.

    Args:
        content: A good one.
        others: Good ones of the same kind, to take pieces from.
        chance: Decides everything.
    """
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        content = chance.choice(_WAYS)(content, others, chance)
    return content


def flipped(content: bytes, _: Sequence[bytes], chance: Random) -> bytes:
    """Other bytes in one to forty places, as often as not near the beginning, where headers are."""
    changed = bytearray(content)
    end = chance.choice((len(changed), min(len(changed), 512)))
    for _ in range(chance.choice((1, 1, 2, 8, 40)) if end else 0):
        changed[chance.randrange(end)] = chance.randrange(256)
    return bytes(changed)


def cut(content: bytes, _: Sequence[bytes], chance: Random) -> bytes:
    """Without its end, or without its beginning."""
    place = chance.randrange(len(content) + 1)
    return content[:place] if chance.random() < 0.8 else content[place:]


def spliced(content: bytes, others: Sequence[bytes], chance: Random) -> bytes:
    """With a piece of itself or of another file in it, or in place of as much."""
    source = chance.choice([content, *others])
    start = chance.randrange(len(source) + 1)
    piece = source[start : start + chance.choice((1, 16, 300, 5000))]
    place = chance.randrange(len(content) + 1)
    return content[:place] + piece + content[place + chance.choice((0, len(piece))) :]


def resized(content: bytes, _: Sequence[bytes], chance: Random) -> bytes:
    """With another number where a size may be told."""
    width = chance.choice((1, 2, 4, 8))
    end = chance.choice((len(content), min(len(content), 64)))
    place = chance.randrange(end + 1)
    told = chance.choice((*_SIZES, len(content), len(content) + 1)) % (1 << 8 * width)
    return content[:place] + told.to_bytes(width, chance.choice(("little", "big"))) + content[place + width :]


def renumbered(content: bytes, _: Sequence[bytes], chance: Random) -> bytes:
    """With something else in the place of a number that is written out."""
    found = [match.span() for match in re.finditer(rb"-?\d+(?:\.\d+)?", content[:200_000])]
    if not found:
        return content
    start, end = chance.choice(found)
    return content[:start] + chance.choice((*_NUMBERS, _DEEP)) + content[end:]


def lied(content: bytes, _: Sequence[bytes], chance: Random) -> bytes:
    """With a value of its JSON replaced, the file else being as it should: what no checksum finds."""
    length = int.from_bytes(content[:8], "little")
    if content[8:9] == b"{" and 8 + length <= len(content):
        if (header := lying(content[8 : 8 + length], chance)) is None:
            return content
        return len(header).to_bytes(8, "little") + header + content[8 + length :]
    told = lying(content, chance)
    return content if told is None else told


def lying(content: bytes, chance: Random) -> bytes | None:
    """JSON with one value replaced, however deep, JSON within its texts included; None for what is none."""
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return json.dumps(replaced(told, chance, chance.choice(ODD))).encode()


def replaced(told: Any, chance: Random, by: Any) -> Any:
    """The same JSON with one value, anywhere, replaced, removed or under another name."""
    if isinstance(told, dict) and told and chance.random() < 0.9:
        key = chance.choice(sorted(told))
        if chance.random() < 0.08:
            left = {name: value for name, value in told.items() if name != key}
            return left if chance.random() < 0.5 else {**left, str(by)[:100]: told[key]}
        return {**told, key: replaced(told[key], chance, by)}
    if isinstance(told, list) and told and chance.random() < 0.9:
        place = chance.randrange(len(told))
        return [*told[:place], replaced(told[place], chance, by), *told[place + 1 :]]
    if isinstance(told, str) and told[:1] in ("{", "[") and chance.random() < 0.9:
        inner = lying(told.encode(), chance)
        return told if inner is None else inner.decode()
    return by


Way = Callable[[bytes, Sequence[bytes], Random], bytes]
_WAYS: tuple[Way, ...] = (flipped, cut, spliced, resized, renumbered, lied, lied)
