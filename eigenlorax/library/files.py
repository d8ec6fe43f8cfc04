"""The files of the library: `subspace_file`, `style_file`, and how both pack numbers in `packing`."""

from pathlib import Path

from eigenlorax.errors import InvalidFileError, SubspaceMismatchError
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
]


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
