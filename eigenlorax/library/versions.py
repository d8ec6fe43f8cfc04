"""The versions of a subspace: immutable folders, of which one is open."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from eigenlorax.errors import InvalidRequestError
from eigenlorax.library.files import style_paths
from eigenlorax.library.library import Library
from eigenlorax.subspace.merge import Part


@dataclass(frozen=True)
class Version:
    """One version as it is listed.

    Attributes:
        name: Its folder's: the start of its hash, and a number.
        saved: When it was made, UTC.
        styles: Names of its styles.
        file_bytes: On disk, headers included.
        is_open: Whether it is the one in use.
    """

    name: str
    saved: datetime
    styles: tuple[str, ...]
    file_bytes: int
    is_open: bool

    @property
    def words(self) -> str:
        """The version in one line."""
        mark = "*" if self.is_open else " "
        return (
            f"{mark} {self.name:<18} {self.saved:%Y-%m-%d %H:%M} {len(self.styles):>4} styles "
            f"{self.file_bytes:>13,} bytes"
        )


def versions_of(library: Library, layout: str) -> list[Version]:
    """Every version for a base's layout, the newest first."""
    opened = library.open_version(layout)
    found = []
    for folder in library.version_folders(layout):
        saved = datetime.fromtimestamp((folder / "subspace.safetensors").stat().st_mtime, UTC)
        styles = tuple(style_paths(folder))
        found.append(Version(folder.name, saved, styles, library.stored_bytes(folder), folder.name == opened))
    return sorted(found, key=lambda version: (version.saved, version.name), reverse=True)


def load_version(library: Library, layout: str, name: str) -> Part:
    """A version by its name, or by the start of it.

    Raises:
        InvalidRequestError: there is none, or several start so.
        InvalidFileError: it is damaged.
    """
    _, subspace, styles = library.load(_folder(library, layout, name))
    return Part(subspace, styles)


def use_version(library: Library, layout: str, name: str) -> Version:
    """Make a version the open one, once it has been read without a fault.

    Raises:
        InvalidRequestError: there is none, or several start so.
        InvalidFileError: it is damaged; the open one stays.
    """
    folder = _folder(library, layout, name)
    library.load(folder)
    library.open(layout, folder)
    return next(version for version in versions_of(library, layout) if version.is_open)


def _folder(library: Library, layout: str, name: str) -> Path:
    folders = {folder.name: folder for folder in library.version_folders(layout)}
    if name in folders:
        return folders[name]
    near = [known for known in folders if name and known.startswith(name)]
    if len(near) == 1:
        return folders[near[0]]
    problem = f"{len(near)} versions start with {name}" if near else f"there is no version {name}"
    raise InvalidRequestError(f"{problem}; there are {', '.join(sorted(folders)) or 'none yet'}")
