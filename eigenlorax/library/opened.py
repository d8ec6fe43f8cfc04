"""A subspace with its styles from wherever a user points: a bundle, a version's folder, or a data folder."""

from pathlib import Path

from eigenlorax.errors import InvalidFileError, InvalidRequestError
from eigenlorax.library.bundle import Bundle, is_bundle, load_bundle
from eigenlorax.library.files import load_version_folder, open_version, version_folder

_ADVICE = (
    "give the app's data folder, the folder of one of its subspaces (the one that holds "
    "subspace.safetensors), or a bundle that it exported"
)


def open_collection(place: Path, layout: str | None = None) -> Bundle:
    """Read a subspace and all its styles.

    Args:
        place: A bundle, a folder with subspace.safetensors (or that file), or a data folder, whose open
            version is meant.
        layout: Hash of the base's layout that it is for; None where a data folder holds but one.

    Raises:
        InvalidFileError: nothing of this kind is there, or it is damaged.
        InvalidRequestError: a data folder holds several subspaces and it is not said for which base.
    """
    if place.is_file() and is_bundle(place):
        return load_bundle(place)
    folder = place.parent if place.name == "subspace.safetensors" else place
    if not (folder / "subspace.safetensors").is_file():
        folder = _open_version(place, layout)
    return Bundle(*load_version_folder(folder))


def _open_version(root: Path, layout: str | None) -> Path:
    pointers = sorted(root.glob("subspaces/*/current.txt"))
    if layout is not None:
        pointers = [pointer for pointer in pointers if pointer.parent.name == layout[:12]]
    if not pointers:
        raise InvalidFileError(f"{root} holds no subspace for this base: {_ADVICE}")
    if len(pointers) > 1:
        raise InvalidRequestError(
            f"{root} holds subspaces for {len(pointers)} bases: give the folder of one of them"
        )
    return version_folder(pointers[0].parent, open_version(pointers[0]))
