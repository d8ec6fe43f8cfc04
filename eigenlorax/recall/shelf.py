"""Which of the styles here is the LoRA that a picture was drawn with: by hash, then by name."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from eigenlorax.formats.hashes import FileHashes
from eigenlorax.recall.recalled import RecalledLora, hex_of, plain, stem_of


@dataclass(frozen=True)
class Shelved:
    """A style, or a LoRA that has not been compressed.

    Attributes:
        name: Its name here.
        is_style: Whether it can be worn.
        other_names: Such as the name that its author gave it.
        hashes: All that are known of its file, each in full or by its first digits.
    """

    name: str
    is_style: bool
    other_names: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()


class Match(Enum):
    """How a LoRA was recognised."""

    HASH = "by its hash"
    NAME = "by its name"
    OTHER_FILE = "by its name alone, the file is another one"


def digits_of(hashes: FileHashes | None, sha256: str = "") -> tuple[str, ...]:
    """What a file may be called by: SHA-256 and AutoV2 begin alike, as do tensor hash and AutoV3."""
    told = (sha256, hashes.sha256, hashes.addnet, hashes.embedded) if hashes else (sha256,)
    return tuple(dict.fromkeys(digits for one in told if (digits := hex_of(one))))


def find(lora: RecalledLora, shelf: Iterable[Shelved]) -> tuple[Shelved, Match] | None:
    """The style, or else the LoRA, that is meant; None when there is none.

    A hash counts before any name, and a style before a LoRA that would have to be compressed.
    """
    items = sorted(shelf, key=lambda one: not one.is_style)
    if digits := hex_of(lora.hash):
        for one in items:
            if any(_same(digits, known) for known in one.hashes):
                return one, Match.HASH
    names = {_folded(lora.name), _folded(stem_of(lora.name))}
    for exactly in (True, False):
        for one in items:
            own = {_folded(one.name)} if exactly else {_folded(name) for name in one.other_names}
            if names & own:
                differs = bool(digits and one.hashes)
                return one, Match.OTHER_FILE if differs else Match.NAME
    return None


def _same(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _folded(name: str) -> str:
    return plain(name).strip().casefold()
