"""Where an export goes: nothing that is there is lost."""

from pathlib import Path

from eigenlorax.errors import InvalidRequestError


def free_target(target: Path, replace: bool) -> Path:
    """The target, if nothing that is there would be lost.

    Raises:
        InvalidRequestError: something is there.
    """
    if target.is_dir() or (target.exists() and not replace):
        raise InvalidRequestError(f"{target} is there already: choose another name")
    return target


def bytes_of(path: Path) -> int:
    """Size of a file, or of all files of a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
