"""The user's pictures, as they come: every file is taken or left out, with a reason in words."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from eigenlorax.errors import InvalidFileError, InvalidRequestError
from eigenlorax.training.colours import decoded

CAPTION_ENDINGS = (".caption", ".txt")
"""Of the text files that lie beside pictures, first come first read."""
MOST_PICTURES = 500
_LEAST_SIDE = 64
_MOST_FILES = 10_000
_MOST_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Taken:
    """A picture that can be learnt from.

    Attributes:
        path: The file.
        sha256: Of the file's bytes, hex.
        size: Width and height in pixels, as the picture is seen.
        words: What had to be done to it, for the user.
        caption_file: The text that lies beside it; None where there is none.
    """

    path: Path
    sha256: str
    size: tuple[int, int]
    words: tuple[str, ...] = ()
    caption_file: Path | None = None


@dataclass(frozen=True)
class LeftOut:
    """A file that cannot be learnt from, and why, as the end of a sentence that starts with its name."""

    path: Path
    reason: str


Fate = Taken | LeftOut


def survey(sources: Iterable[Path]) -> Iterator[Fate]:
    """Look at files and at folders with all that lies in them.

    Every file has exactly one fate, or is the caption file of a picture that is taken. Each picture is
    decoded once, to know that it can be, and let go again.

    Args:
        sources: Files and folders in the order in which they were given; folders are walked by name.

    Yields:
        One fate after another, as each is known.

    Raises:
        InvalidRequestError: there are more files than anyone would learn a style from.
    """
    files, unread = _files(sources)
    texts = [path for path in files if path.suffix.lower() in CAPTION_ENDINGS]
    named: dict[str, list[Path]] = {}
    for text in texts:
        named.setdefault(text.name, []).append(text)
    used: set[Path] = set()
    seen: dict[str, Path] = {}
    yield from unread
    for path in files:
        if path.suffix.lower() in CAPTION_ENDINGS:
            continue
        fate = look(path)
        if isinstance(fate, Taken):
            fate = _admitted(replace(fate, caption_file=_caption_file(path, named)), seen)
        if isinstance(fate, Taken) and fate.caption_file is not None:
            used.add(fate.caption_file.resolve())
        yield fate
    for text in texts:
        if text.resolve() not in used:
            yield LeftOut(text, "is the caption of no picture that is learnt from")


def look(path: Path) -> Fate:
    """One file's fate, whatever lies beside it; nothing is raised for a bad file."""
    try:
        content = _content(path)
        image, words = decoded(content)
    except InvalidFileError as error:
        return LeftOut(path, str(error))
    if min(image.size) < _LEAST_SIDE:
        width, height = image.size
        return LeftOut(path, f"is only {width} × {height} pixels: {_LEAST_SIDE} a side are the least")
    return Taken(path, hashlib.sha256(content).hexdigest(), image.size, words)


def picture_of(taken: Taken) -> Image.Image:
    """The picture once more: RGB, upright, with 8 bits a colour.

    Raises:
        InvalidFileError: the file is gone or is not what it was when it was taken.
    """
    try:
        content = _content(taken.path)
    except InvalidFileError as error:
        raise InvalidFileError(f"{taken.path.name} {error}: choose the pictures again") from error
    if hashlib.sha256(content).hexdigest() != taken.sha256:
        raise InvalidFileError(
            f"{taken.path.name} was changed since it was chosen: choose the pictures again"
        )
    return decoded(content)[0]


def summary(fates: Sequence[Fate]) -> str:
    """What became of the files, in one sentence for the user."""
    taken = sum(isinstance(fate, Taken) for fate in fates)
    left = len(fates) - taken
    return f"{taken} picture{'s' * (taken != 1)} to learn from, {left} file{'s' * (left != 1)} left out"


def _files(sources: Iterable[Path]) -> tuple[list[Path], list[LeftOut]]:
    """All files, each once, and the folders that cannot be opened."""
    found: dict[Path, Path] = {}
    unread: list[LeftOut] = []

    def refused(error: OSError) -> None:
        unread.append(LeftOut(Path(str(error.filename)), f"cannot be opened: {error.strerror}"))

    for source in sources:
        for path in _below(source, refused) if source.is_dir() else [source]:
            found.setdefault(path.resolve(), path)
            if len(found) > _MOST_FILES:
                raise InvalidRequestError(
                    f"{source} brings more than {_MOST_FILES} files: choose the folder of the pictures"
                )
    return list(found.values()), unread


def _below(folder: Path, refused: Callable[[OSError], None]) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, onerror=refused):
        folders.sort()
        yield from (Path(place) / name for name in sorted(names))


def _caption_file(path: Path, named: Mapping[str, Sequence[Path]]) -> Path | None:
    """A picture's caption file: in its own folder, or the only one of its name among the files given.

    A page that takes uploads puts each file into a folder of its own.
    """
    for ending in CAPTION_ENDINGS:
        for name in (path.stem + ending, path.name + ending):
            if (beside := path.with_name(name)).is_file():
                return beside
            if len(apart := named.get(name, ())) == 1:
                return apart[0]
    return None


def _admitted(taken: Taken, seen: dict[str, Path]) -> Fate:
    """Refuse what was seen already or is too much; remember the rest."""
    if taken.sha256 in seen:
        return LeftOut(taken.path, f"is the same picture as {seen[taken.sha256].name}, which is used once")
    if len(seen) >= MOST_PICTURES:
        return LeftOut(taken.path, f"is more than the {MOST_PICTURES} pictures that are learnt from")
    seen[taken.sha256] = taken.path
    return taken


def _content(path: Path) -> bytes:
    """A file's bytes.

    Raises:
        InvalidFileError: there are none to be had, or too many; without the file's name.
    """
    try:
        if not path.exists():
            raise InvalidFileError("does not exist")
        if not path.is_file():
            raise InvalidFileError("is not a regular file")
        size = path.stat().st_size
        if not size:
            raise InvalidFileError("is empty")
        if size > _MOST_BYTES:
            raise InvalidFileError(f"is larger than {_MOST_BYTES >> 20} MB, which no picture here needs")
        return path.read_bytes()
    except OSError as error:
        raise InvalidFileError(f"cannot be opened: {error.strerror}") from error
