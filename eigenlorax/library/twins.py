"""Which LoRA files hold the same weights: told cheaply where they differ, by hash where they may not."""

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable
from pathlib import Path

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.header import read_header
from eigenlorax.library.hash_book import HashBook
from eigenlorax.library.listing import Listing

_SAMPLES, _SAMPLE_BYTES = 3, 4096


class Twins:
    """Remembers the samples that it took.

    Args:
        hashes: Where hashes are kept.
    """

    def __init__(self, hashes: HashBook) -> None:
        self._hashes = hashes
        self._samples: dict[tuple[Path, float, int], str] = {}

    def groups(self, listings: Iterable[Listing]) -> list[tuple[str, ...]]:
        """Names that share their weights, two or more in a group, in the order given.

        Files are told apart by the size of their weights, then by a few kilobytes at three places, and only
        those that are still alike are read as a whole. One that cannot be read is like no other.
        """
        usable = [one for one in listings if one.usable]
        sizes = _grouped((one, one.weight_bytes) for one in usable)
        alike = [more for same in sizes for more in _grouped((one, self._sample(one)) for one in same)]
        twins = [more for same in alike for more in _grouped((one, self._hash(one)) for one in same)]
        return [tuple(one.name for one in same) for same in twins]

    def _sample(self, one: Listing) -> str:
        key = (one.path, one.changed, one.file_bytes)
        if key not in self._samples:
            digest = hashlib.sha256()
            start = one.file_bytes - one.weight_bytes
            try:
                with one.path.open("rb") as file:
                    for place in range(_SAMPLES):
                        file.seek(start + place * max(0, one.weight_bytes - _SAMPLE_BYTES) // (_SAMPLES - 1))
                        digest.update(file.read(_SAMPLE_BYTES))
            except OSError:
                return ""
            self._samples[key] = digest.hexdigest()
        return self._samples[key]

    def _hash(self, one: Listing) -> str:
        try:
            header = read_header(one.path)
            return self._hashes.hash_file(one.path, header.data_start, header.metadata).addnet
        except (InvalidFileError, OSError):
            return ""


def _grouped(keyed: Iterable[tuple[Listing, Hashable]]) -> list[list[Listing]]:
    """Those of one key together, where they are two or more and the key says something."""
    groups = defaultdict[Hashable, list[Listing]](list)
    for one, key in keyed:
        if key:
            groups[key].append(one)
    return [group for group in groups.values() if len(group) > 1]
