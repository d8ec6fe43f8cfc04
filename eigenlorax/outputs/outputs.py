"""The outputs folder as a collection: listed, searched, and shown small."""

import hashlib
import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.shown_picture import opened
from eigenlorax.library.atomic import ASIDE, told, written_aside
from eigenlorax.outputs.words import Words, words_of

THUMBNAIL_SIDE = 320
"""Of a thumbnail's longer side, in pixels."""
_ENDINGS = (".png", ".webp", ".jpg", ".jpeg", ".gif")
_QUALITY = 84


@dataclass(frozen=True)
class Kept:
    """A picture that was drawn.

    Attributes:
        key: Its path below the outputs folder, with forward slashes.
        written: When it was written, nanoseconds since 1970.
        bytes: Its size.
        words: What it says of itself.
    """

    key: str
    written: int
    bytes: int
    words: Words

    @property
    def haystack(self) -> str:
        """What a search looks at, lower case."""
        return " ".join((self.words.prompt, *self.words.styles, self.key)).lower()


class Outputs:
    """Every picture below a data folder's outputs; many threads may ask at once.

    Args:
        root: The data folder.

    Attributes:
        folder: Where the pictures lie, in folders by day.
        thumbnails: Where small copies lie; it may be emptied.
    """

    def __init__(self, root: Path) -> None:
        self.folder = root / "outputs"
        self.thumbnails = root / "cache" / "pictures"
        self._known: dict[str, Kept] = {}
        self._lock = threading.Lock()

    def pictures(self, search: str = "", style: str = "") -> list[Kept]:
        """Pictures, the newest first.

        Files that have not changed are not read again.

        Args:
            search: Words that must all occur in prompt, styles or file name, in any case.
            style: A style that must be in its LoRA tags; "" is any.
        """
        with self._lock:
            found = {one.key: one for one in self._looked()}
            self._known = found
        wanted = search.lower().split()
        kept = [
            one
            for one in found.values()
            if (not style or style in one.words.styles) and all(word in one.haystack for word in wanted)
        ]
        return sorted(kept, key=lambda one: (one.written, one.key), reverse=True)

    def _looked(self) -> Iterator[Kept]:
        for parent, folders, _ in os.walk(self.folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            with os.scandir(parent) as entries:
                for entry in entries:
                    if not entry.name.lower().endswith(_ENDINGS) or entry.name.startswith(ASIDE):
                        continue
                    facts, path = entry.stat(), Path(entry.path)
                    key = path.relative_to(self.folder).as_posix()
                    known = self._known.get(key)
                    if known and (known.written, known.bytes) == (facts.st_mtime_ns, facts.st_size):
                        yield known
                    else:
                        yield Kept(key, facts.st_mtime_ns, facts.st_size, words_of(path))

    def stamp(self) -> str:
        """Another text whenever a picture has come or gone; asks only the folders."""
        times = [Path(parent).stat().st_mtime_ns for parent, _, _ in os.walk(self.folder)]
        return f"{len(times)}-{max(times, default=0)}"

    def path_of(self, key: str) -> Path:
        """A picture's file.

        Raises:
            InvalidFileError: there is none of this name below the folder.
        """
        # No file's name holds a NUL; the system would refuse to look.
        folder, path = self.folder.resolve(), (self.folder / key.replace("\0", "?")).resolve()
        if not path.is_relative_to(folder) or not path.name.lower().endswith(_ENDINGS) or not path.is_file():
            raise InvalidFileError(f"{Path(key).name} is not among the pictures any more: look again")
        return path

    def thumbnail(self, key: str) -> Path:
        """A small WebP of a picture, made when it is first asked for.

        Raises:
            InvalidFileError: there is no such picture, or it cannot be read.
            NotWrittenError: the disk refused.
        """
        path = self.path_of(key)
        facts = path.stat()
        name = hashlib.sha256(f"{key}|{facts.st_mtime_ns}|{facts.st_size}".encode()).hexdigest()[:24]
        small = self.thumbnails / f"{name}.webp"
        if small.is_file():
            return small
        with opened(path) as picture:
            picture.draft("RGB", (THUMBNAIL_SIDE, THUMBNAIL_SIDE))
            copy = picture.convert("RGB")
        copy.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
        with told(small), written_aside(small) as aside:
            copy.save(aside, format="WEBP", quality=_QUALITY)
        return small


def styles_in(pictures: Sequence[Kept]) -> Mapping[str, int]:
    """Style -> in how many pictures it was worn, the most worn first."""
    return dict(Counter(style for one in pictures for style in one.words.styles).most_common())
