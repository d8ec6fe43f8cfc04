"""The files of the library: `subspace_file`, `style_file`, and how both pack numbers in `packing`."""

from pathlib import Path

from eigenlorax.errors import InvalidFileError, SubspaceMismatchError
from eigenlorax.formats.file_names import is_plain
from eigenlorax.library.style_file import load_style, save_style, style_paths
from eigenlorax.library.subspace_file import load_subspace, save_subspace
from eigenlorax.subspace.style import Style, moved
from eigenlorax.subspace.subspace import Subspace

__all__ = [
    "load_style",
    "load_subspace",
    "load_version_folder",
    "moved",
    "open_version",
    "save_style",
    "save_subspace",
    "style_paths",
    "version_folder",
]


def open_version(pointer: Path) -> str:
    """Name of the version that is open, as the file beside the versions says; empty where there is none.

    Where that file is gone it is the newest.
    """
    if pointer.is_file():
        return pointer.read_text(encoding="utf-8", errors="replace").strip()
    bases = pointer.parent.glob("[!.]*/subspace.safetensors")
    newest = max(bases, key=lambda path: (path.stat().st_mtime_ns, path), default=None)
    return newest.parent.name if newest else ""


def version_folder(place: Path, name: str) -> Path:
    """The folder of a version by its name.

    Raises:
        InvalidFileError: there is none of this name.
    """
    if not is_plain(name) or not (place / name).is_dir():
        raise InvalidFileError(f"{place} holds no version {name[:100]!r}, which should be the open one")
    return place / name


def load_version_folder(folder: Path) -> tuple[Subspace, dict[str, Style]]:
    """A subspace and its styles by name, from the folder that a version is kept in.

    Raises:
        InvalidFileError: the folder is damaged.
    """
    subspace = load_subspace(folder / "subspace.safetensors")
    try:
        styles = {name: load_style(path, subspace) for name, path in style_paths(folder).items()}
    except SubspaceMismatchError as error:
        raise InvalidFileError(f"{folder} mixes two subspaces: {error}") from error
    return subspace, styles
