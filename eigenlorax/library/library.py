"""The user's folder: imported LoRAs, and the subspaces their collections were compressed into."""

import hashlib
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from pathlib import Path

from PIL import Image, PngImagePlugin

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.embeddings import Embedding, read_embeddings
from eigenlorax.formats.hashes import file_sha256
from eigenlorax.formats.header import read_header
from eigenlorax.formats.metadata import embedded_cover
from eigenlorax.formats.sidecars import sidecars_of
from eigenlorax.formats.tensors import save_tensors
from eigenlorax.library.atomic import folder_written_aside, whole_files, written_aside
from eigenlorax.library.cover import cover_of
from eigenlorax.library.files import (
    load_version_folder,
    open_version,
    save_style,
    save_subspace,
    version_folder,
)
from eigenlorax.library.hash_book import HashBook
from eigenlorax.library.walk import Seen, look
from eigenlorax.module_path import Component
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

_EMBEDDING_KEYS = {Component.TEXT_ENCODER: "clip_l", Component.TEXT_ENCODER_2: "clip_g"}


class Library:
    """Files under one folder; everything is written aside and moved into place.

    Args:
        root: The user's data folder; made when it is not there.
        shipped: A folder of LoRAs that are listed in place, read only, such as the demo's.

    Attributes:
        hashes: Of the LoRA files that were read so far.
    """

    def __init__(self, root: Path, shipped: Path | None = None) -> None:
        self.root = root
        self._shipped = shipped
        self._covers: dict[str, Path | None] = {}
        self.hashes = HashBook(root / "cache" / "hashes.jsonl")
        self._lora_folder.mkdir(parents=True, exist_ok=True)

    @property
    def _lora_folder(self) -> Path:
        return self.root / "loras"

    @property
    def _embedding_folder(self) -> Path:
        return self.root / "embeddings"

    @property
    def outputs(self) -> Path:
        """Where pictures are saved, by the folder names A1111 uses."""
        return self.root / "outputs" / "txt2img-images"

    def lora_paths(self) -> list[Path]:
        """Every LoRA file: the shipped ones, then the imported ones, each sorted by name."""
        shipped = whole_files(self._shipped, ".safetensors") if self._shipped else []
        return shipped + whole_files(self._lora_folder, ".safetensors")

    def lora_files(self) -> list[Seen]:
        """As `lora_paths`, each with its size, its time and what lies beside it."""
        shipped = look(self._shipped) if self._shipped else []
        return shipped + look(self._lora_folder)

    def add_lora(self, source: Path, names: Collection[str] = ()) -> tuple[Path, bool]:
        """Copy a LoRA file, and the sidecars beside it, into the library.

        A file whose bytes are here already, under whatever name, is not copied again; one of another
        content whose name is taken gets a number after its name.

        Args:
            source: A LoRA file.
            names: What LoRAs elsewhere are called, which this one is not to be called too.

        Returns:
            Where it lies in the library, and whether it is new there.
        """
        there = self.lora_paths()
        size = source.stat().st_size
        twins = [path for path in there if path.stat().st_size == size]
        digest = file_sha256(source) if twins else ""
        for path in twins:
            if file_sha256(path) == digest:
                return path, False
        taken, number = {*names, *(path.stem for path in there)}, 1
        target = self._lora_folder / source.name
        while target.stem in taken:
            number += 1
            target = self._lora_folder / f"{source.stem}-{number}{source.suffix}"
        for sidecar in sidecars_of(source):
            _copy(sidecar, self._lora_folder / (target.stem + sidecar.name[len(source.stem) :]))
        _copy(source, target)
        return target, True

    def add_embeddings(self, source: Path) -> list[Embedding]:
        """Keep the textual inversions of a file, each as a file of its own under its token's name.

        Raises:
            InvalidFileError: an embedding in it is no row of vectors.
        """
        found = read_embeddings(source)
        for embedding in found:
            with written_aside(
                self._embedding_folder / f"{_file_name(embedding.token)}.safetensors"
            ) as aside:
                save_tensors(
                    {_EMBEDDING_KEYS[part]: rows.contiguous() for part, rows in embedding.vectors.items()},
                    aside,
                    {"token": embedding.token},
                )
        return found

    def embeddings(self) -> list[Embedding]:
        """Every textual inversion that is kept, by its token.

        Raises:
            InvalidFileError: one of the files was damaged.
        """
        found = []
        for path in whole_files(self._embedding_folder, ".safetensors"):
            token = read_header(path).metadata.get("token", path.stem)
            found += [Embedding(token, embedding.vectors) for embedding in read_embeddings(path)]
        return found

    def save(self, subspace: Subspace, styles: Mapping[str, Style]) -> None:
        """Write a subspace with its styles as a new folder and make it the layout's current one.

        What was saved before stays on disk: a collection that shares nothing has the same (empty) bases
        whatever its styles are, so the hash alone would not tell two saves apart.
        """
        place, number = self._subspace_folder(subspace.layout), 1
        while (folder := place / f"{subspace.hash[:12]}-{number}").exists():
            number += 1
        with folder_written_aside(folder) as aside:
            save_subspace(subspace, aside / "subspace.safetensors")
            for name, style in styles.items():
                save_style(style, subspace, aside / "styles" / f"{name}.safetensors")
        self.open(subspace.layout, folder)

    def open(self, layout: str, folder: Path) -> None:
        """Make a version that is kept the layout's current one: a rename, so it is the old one or this."""
        with written_aside(self._current(layout)) as pointer:
            pointer.write_text(folder.name, encoding="utf-8")

    def open_version(self, layout: str) -> str:
        """Name of the layout's current version, as it was written; empty before the first compression.

        Where the file that tells of it is gone, it is the newest.
        """
        return open_version(self._current(layout))

    def version_folders(self, layout: str) -> list[Path]:
        """The folder of every version that is kept for a layout, by name."""
        place = self._subspace_folder(layout)
        return sorted(path.parent for path in place.glob("[!.]*/subspace.safetensors"))

    def load_current(self, layout: str) -> tuple[Path, Subspace, dict[str, Style]] | None:
        """The current subspace of a base layout with its styles, or None before the first compression.

        Raises:
            InvalidFileError: its folder is damaged; compressing again mends that.
        """
        name = self.open_version(layout)
        return self.load(version_folder(self._subspace_folder(layout), name)) if name else None

    def load(self, folder: Path) -> tuple[Path, Subspace, dict[str, Style]]:
        """A version that is kept, with its styles.

        Raises:
            InvalidFileError: its folder is damaged.
        """
        return folder, *load_version_folder(folder)

    def latest(self, subspace: Subspace) -> Path | None:
        """The newest folder of this very subspace, or None."""
        place = self._subspace_folder(subspace.layout)
        folders = [path for path in place.glob(f"{subspace.hash[:12]}-*") if path.is_dir()]
        return max(folders, key=lambda path: int(path.name.rpartition("-")[2]), default=None)

    def stored_bytes(self, folder: Path) -> int:
        """Bytes on disk of a subspace's bases and all its styles, headers included."""
        return sum(path.stat().st_size for path in _files(folder))

    def keep_picture(self, image: Image.Image, parameters: str, seed: int) -> Path:
        """Save a picture with its parameters, by A1111's names: `YYYY-MM-DD/00000-<seed>.png`."""
        folder = self.outputs / date.today().isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        numbers = [int(path.name[:5]) for path in folder.glob("[0-9][0-9][0-9][0-9][0-9]-*.png")]
        path = folder / f"{max(numbers, default=-1) + 1:05d}-{seed}.png"
        text = PngImagePlugin.PngInfo()
        text.add_itxt("parameters", parameters)
        with written_aside(path) as aside:
            image.save(aside, pnginfo=text)
        return path

    def cover(self, path: Path) -> Path | None:
        """The picture inside a LoRA's header, laid into the cache as a file; None when it has none."""
        place = self.root / "cache" / "covers"
        name = hashlib.sha256(f"{path}|{path.stat().st_mtime_ns}".encode()).hexdigest()[:24]
        if name not in self._covers and (place / name).is_file():
            self._covers[name] = place / name
        if name not in self._covers:
            try:
                content = embedded_cover(read_header(path).metadata)
            except InvalidFileError:
                content = None
            if content is not None:
                with written_aside(place / name) as aside:
                    aside.write_bytes(content)
            self._covers[name] = None if content is None else place / name
        return self._covers[name]

    def style_cover(self, style: Style) -> Path | None:
        """The picture that a taught style brings, laid into the cache as a file; None when it has none."""
        if (content := cover_of(style)) is None:
            return None
        path = self.root / "cache" / "covers" / f"{hashlib.sha256(content).hexdigest()[:24]}.webp"
        if not path.is_file():
            with written_aside(path) as aside:
                aside.write_bytes(content)
        return path

    def _subspace_folder(self, layout: str) -> Path:
        return self.root / "subspaces" / layout[:12]

    def _current(self, layout: str) -> Path:
        return self._subspace_folder(layout) / "current.txt"


def _file_name(token: str) -> str:
    return re.sub(r"[^\w.-]", "_", token).strip(".") or "embedding"


def _copy(source: Path, target: Path) -> None:
    with written_aside(target) as aside:
        shutil.copyfile(source, aside)


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent) / name for name in names)
