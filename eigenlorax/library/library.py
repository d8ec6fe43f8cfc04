"""The user's folder: imported LoRAs, and the subspaces their collections were compressed into."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from safetensors.torch import save_file

from eigenlorax.errors import InvalidFileError, SubspaceMismatchError
from eigenlorax.formats.embeddings import Embedding, read_embeddings
from eigenlorax.formats.hashes import file_sha256
from eigenlorax.formats.header import read_header
from eigenlorax.formats.sidecars import sidecars_of
from eigenlorax.library.atomic import folder_written_aside, written_aside
from eigenlorax.library.files import load_style, load_subspace, save_style, save_subspace, style_paths
from eigenlorax.module_path import Component
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

_EMBEDDING_KEYS = {Component.TEXT_ENCODER: "clip_l", Component.TEXT_ENCODER_2: "clip_g"}


class Library:
    """Files under one folder; everything is written aside and moved into place.

    Args:
        root: The user's data folder; made when it is not there.
        shipped: A folder of LoRAs that are listed in place, read only, such as the demo's.
    """

    def __init__(self, root: Path, shipped: Path | None = None) -> None:
        self.root = root
        self._shipped = shipped
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
        shipped = sorted(self._shipped.glob("*.safetensors")) if self._shipped else []
        return shipped + sorted(self._lora_folder.glob("*.safetensors"))

    def add_lora(self, source: Path) -> tuple[Path, bool]:
        """Copy a LoRA file, and the sidecars beside it, into the library.

        A file whose bytes are here already, under whatever name, is not copied again; one of another
        content whose name is taken gets a number after its name.

        Returns:
            Where it lies in the library, and whether it is new there.
        """
        there = self.lora_paths()
        digest, size = file_sha256(source), source.stat().st_size
        for path in there:
            if path.stat().st_size == size and file_sha256(path) == digest:
                return path, False
        taken, number = {path.name for path in there}, 1
        target = self._lora_folder / source.name
        while target.name in taken:
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
                save_file(
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
        for path in sorted(self._embedding_folder.glob("*.safetensors")):
            token = read_header(path).metadata.get("token", path.stem)
            found += [Embedding(token, embedding.vectors) for embedding in read_embeddings(path)]
        return found

    def save(self, subspace: Subspace, styles: Mapping[str, Style]) -> None:
        """Write a subspace with its styles as one folder and make it the layout's current one."""
        folder = self._subspace_folder(subspace.layout) / subspace.hash[:12]
        with folder_written_aside(folder) as aside:
            save_subspace(subspace, aside / "subspace.safetensors")
            for name, style in styles.items():
                save_style(style, subspace, aside / "styles" / f"{name}.safetensors")
        with written_aside(self._current(subspace.layout)) as pointer:
            pointer.write_text(folder.name, encoding="utf-8")

    def load_current(self, layout: str) -> tuple[Path, Subspace, dict[str, Style]] | None:
        """The current subspace of a base layout with its styles, or None before the first compression.

        Raises:
            InvalidFileError: its folder is damaged; compressing again mends that.
        """
        pointer = self._current(layout)
        if not pointer.is_file():
            return None
        folder = self._subspace_folder(layout) / pointer.read_text(encoding="utf-8").strip()
        subspace = load_subspace(folder / "subspace.safetensors")
        try:
            styles = {name: load_style(path, subspace) for name, path in style_paths(folder).items()}
        except SubspaceMismatchError as error:
            raise InvalidFileError(f"{folder} mixes two subspaces: {error}") from error
        return folder, subspace, styles

    def stored_bytes(self, folder: Path) -> int:
        """Bytes on disk of a subspace's bases and all its styles, headers included."""
        return sum(path.stat().st_size for path in _files(folder))

    def next_picture(self, seed: int, day: str) -> Path:
        """A fresh file name in A1111's form, `YYYY-MM-DD/00000-<seed>.png`."""
        folder = self.outputs / day
        folder.mkdir(parents=True, exist_ok=True)
        numbers = [int(path.name[:5]) for path in folder.glob("[0-9][0-9][0-9][0-9][0-9]-*.png")]
        return folder / f"{max(numbers, default=-1) + 1:05d}-{seed}.png"

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
