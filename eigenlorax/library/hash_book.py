"""The hashes of LoRA files, each computed once for as long as the file stays as it is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from eigenlorax.formats.hashes import FileHashes, hash_file
from eigenlorax.library.book_lines import add_lines, book_lines

_MOST_BYTES = 64 * 1024 * 1024
_DIGITS = 12


@dataclass(frozen=True)
class _Entry:
    """What a file was when it was hashed."""

    size: int
    changed: int
    hashes: FileHashes


class HashBook:
    """A file of lines that only grows: two programs may add to it at once, and the later line counts.

    What it holds can be computed again, so lines that cannot be read are passed over.

    Args:
        path: Where it lies; made with the first entry.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()
        self._files: dict[str, _Entry] = {}
        self._by_sha256: dict[str, FileHashes] = {}
        for line in book_lines(path, _MOST_BYTES):
            self._note(line)

    def hash_file(self, path: Path, data_start: int, metadata: Mapping[str, str]) -> FileHashes:
        """As `formats.hashes.hash_file`; a file of the same size and time is not read again."""
        if (known := self.known(path)) is not None:
            return known
        hashes = hash_file(path, data_start, metadata)
        self.keep(path, hashes)
        return hashes

    def keep(self, path: Path, hashes: FileHashes) -> None:
        """Remember what was computed of a file as it is now."""
        state = path.stat()
        line = json.dumps(
            [str(path), state.st_size, state.st_mtime_ns, hashes.sha256, hashes.addnet, hashes.embedded],
            ensure_ascii=False,
        )
        with self._lock:
            self._note(line)
            add_lines(self._path, line + "\n")

    def known(self, path: Path) -> FileHashes | None:
        """A file's hashes, where they were computed and it has not changed since."""
        entry = self._files.get(str(path))
        if entry is None:
            return None
        state = path.stat()
        return entry.hashes if (state.st_size, state.st_mtime_ns) == (entry.size, entry.changed) else None

    def of_sha256(self, sha256: str) -> FileHashes | None:
        """All hashes of a file that once had this one, though it may be gone."""
        return self._by_sha256.get(sha256)

    def short(self, sha256: str) -> str:
        """Twelve digits by which A1111 knows a file, or Forge does where only SHA-256 is known.

        Args:
            sha256: Of the whole file; empty gives nothing.
        """
        known = self.of_sha256(sha256)
        return known.auto_v3 if known else sha256[:_DIGITS]

    def _note(self, line: str) -> None:
        try:
            path, size, changed, sha256, addnet, embedded = json.loads(line)
            entry = _Entry(int(size), int(changed), FileHashes(str(sha256), str(addnet), str(embedded)))
        except (ValueError, TypeError, OverflowError, RecursionError):
            return
        self._files[str(path)] = entry
        self._by_sha256[entry.hashes.sha256] = entry.hashes
