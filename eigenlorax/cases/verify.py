"""The use case of a check-up: every stored file read, hashed, and written again elsewhere."""

import json
import sqlite3
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from PIL import Image
from torch import Tensor

from eigenlorax.errors import InvalidFileError, StudioError
from eigenlorax.formats.embeddings import read_embeddings
from eigenlorax.formats.hashes import file_sha256
from eigenlorax.formats.header import read_header
from eigenlorax.library.atomic import ASIDE
from eigenlorax.library.files import open_version, version_folder
from eigenlorax.library.hash_book import HashBook
from eigenlorax.library.style_file import load_style, save_style, style_parts
from eigenlorax.library.subspace_file import load_subspace, save_subspace, subspace_parts
from eigenlorax.prompting.places import presets_file
from eigenlorax.prompting.presets import read_presets
from eigenlorax.subspace.subspace import Subspace

_LEFT = "a process that was killed left it; nothing uses it: delete it"
_VERSIONS = "`eigenlorax versions`, then `eigenlorax use NAME`"
_REMEDIES = {
    "LoRA": "copy the LoRA into the library again; the style that was made of it is not touched",
    "embedding": "add the embedding again from its own file",
    "subspace": f"open another version ({_VERSIONS}), or compress again",
    "style": f"open a version that has it ({_VERSIONS}), or compress its LoRA again",
    "open version": f"choose one ({_VERSIONS})",
    "list": "put back a copy, or delete it: what you noted in it is lost then, LoRAs and styles are not",
    "presets": "save it as CSV in UTF-8, or put back a copy",
    "jobs": "delete it: only the queue and its history are lost",
    "picture": "draw it again from its settings, or put back a copy",
}
_LISTS = ("notes.json", "names.json", "folders.json", "covers/recipes.json")


@dataclass(frozen=True)
class Checked:
    """One file.

    Attributes:
        path: Below the library's folder, with forward slashes.
        kind: "LoRA", "style" and so on.
        bytes: On disk.
        sha256: Of the whole file; empty where it could not be read.
        fault: What is wrong, in words; empty where nothing is.
        remedy: What to do next; empty where nothing is wrong.
    """

    path: str
    kind: str
    bytes: int
    sha256: str
    fault: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Checking:
    """So many files of all looked at; `what` is the next one."""

    done: int
    total: int
    what: str


def verify(root: Path, *, pictures: bool = False) -> Generator[Checking, None, list[Checked]]:
    """Check every stored file of a data folder; no model is needed.

    A LoRA's header must agree with its size, and its bytes with the hash that was taken of it before. A
    subspace must match the hash in its name, a style the shapes of its subspace; both are written again in a
    scratch folder and must come back number for number.

    Args:
        root: The data folder.
        pictures: Check what was drawn, too: all bytes of each are read.

    Raises:
        InvalidFileError: there is no such folder.
    """
    if not root.is_dir():
        raise InvalidFileError(f"there is no data folder at {root}: name another, or start the page once")
    check = _Check(root)
    tasks = list(check.tasks(pictures=pictures))
    found = []
    for done, (kind, path, look) in enumerate(tasks):
        yield Checking(done, len(tasks), path.name)
        found.append(check.done(kind, path, look))
    yield Checking(len(tasks), len(tasks), "")
    return found


Task = tuple[str, Path, Callable[[Path], None]]


class _Check:
    def __init__(self, root: Path) -> None:
        self._root, self._hashes = root, HashBook(root / "cache" / "hashes.jsonl")
        self._subspace: tuple[Path, Subspace] | None = None

    def tasks(self, *, pictures: bool) -> Iterator[Task]:
        root = self._root
        for path in _whole(root / "loras", "*.safetensors"):
            yield "LoRA", path, self._lora
        for path in _whole(root / "embeddings", "*.safetensors"):
            yield "embedding", path, lambda path: _ignore(read_embeddings(path))
        for layout in _whole(root / "subspaces", "*"):
            if (pointer := layout / "current.txt").is_file():
                yield "open version", pointer, _pointer
            if (figures := layout / "pictures.json").is_file():
                yield "list", figures, _list
            for path in _whole(layout, "[!.]*/subspace.safetensors"):
                yield "subspace", path, self._bases
                for style in _whole(path.parent / "styles", "*.safetensors"):
                    yield "style", style, self._style
        for name in _LISTS:
            if (path := root / name).is_file():
                yield "list", path, _list
        if (path := presets_file(root)).is_file():
            yield "presets", path, lambda path: _ignore(read_presets(path))
        if (path := root / "jobs.sqlite").is_file():
            yield "jobs", path, _jobs
        for path in sorted((root / "outputs").rglob("*.png")) if pictures else ():
            if not path.name.startswith(ASIDE):
                yield "picture", path, _picture
        for path in sorted(root.rglob(f"{ASIDE}*")):
            yield "left over", path, _left

    def done(self, kind: str, path: Path, look: Callable[[Path], None]) -> Checked:
        name, size, digest = path.relative_to(self._root).as_posix(), 0, ""
        try:
            if path.is_file():
                size, digest = path.stat().st_size, file_sha256(path)
            look(path)
        except (StudioError, OSError, ValueError, sqlite3.Error) as error:
            fault = " ".join(str(error).split())
            return Checked(name, kind, size, digest, fault, _REMEDIES.get(kind, _LEFT))
        return Checked(name, kind, size, digest)

    def _lora(self, path: Path) -> None:
        read_header(path)
        known = self._hashes.known(path)
        if known is not None and known.sha256 != file_sha256(path):
            raise InvalidFileError(
                "its bytes are others than when it was hashed, though its date is the same"
            )

    def _bases(self, path: Path) -> None:
        self._subspace = None
        subspace = load_subspace(path)
        self._subspace = path.parent, subspace
        with TemporaryDirectory(prefix="eigenlorax-verify-") as scratch:
            copy = Path(scratch) / path.name
            save_subspace(subspace, copy)
            _same(subspace_parts(subspace)[0], subspace_parts(load_subspace(copy))[0])

    def _style(self, path: Path) -> None:
        if self._subspace is None or self._subspace[0] != path.parent.parent:
            raise InvalidFileError("its subspace is damaged, so its shapes cannot be told")
        subspace = self._subspace[1]
        style = load_style(path, subspace)
        with TemporaryDirectory(prefix="eigenlorax-verify-") as scratch:
            copy = Path(scratch) / path.name
            save_style(style, subspace, copy)
            _same(style_parts(style, subspace)[0], style_parts(load_style(copy, subspace), subspace)[0])


def _same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    if one.keys() != other.keys() or not all(torch.equal(one[name], other[name]) for name in one):
        raise InvalidFileError("written again it comes back as something else")


def _pointer(path: Path) -> None:
    if not (version_folder(path.parent, open_version(path)) / "subspace.safetensors").is_file():
        raise InvalidFileError("the version that it names lacks its subspace")


def _list(path: Path) -> None:
    if not isinstance(json.loads(path.read_text(encoding="utf-8")), dict):
        raise InvalidFileError("it is no JSON object")


def _jobs(path: Path) -> None:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        (told,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if told != "ok":
        raise InvalidFileError(str(told))


def _picture(path: Path) -> None:
    try:
        with Image.open(path) as image:
            image.verify()
    except (SyntaxError, Image.DecompressionBombError) as error:
        raise InvalidFileError(str(error)) from error


def _left(_: Path) -> None:
    raise InvalidFileError("it is half-written")


def _ignore(_: object) -> None:
    """What was read does not matter, only that it could be."""


def _whole(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))
