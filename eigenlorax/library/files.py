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
    "save_style",
    "save_subspace",
    "style_paths",
    "version_folder",
]


def version_folder(pointer: Path) -> Path:
    """The folder of the version that is open, by the file beside it that names it.

    Raises:
        InvalidFileError: it names no folder there.
    """
    name = pointer.read_text(encoding="utf-8", errors="replace").strip()
    if not is_plain(name) or not (pointer.parent / name).is_dir():
        raise InvalidFileError(f"{pointer} names the version {name[:100]!r}, which is not there")
    return pointer.parent / name


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
