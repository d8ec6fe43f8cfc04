"""Zip archives, unpacked without trust: nothing leaves the target folder, nothing grows without bound."""

import lzma
import shutil
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.file_names import is_plain

MAX_ENTRIES = 20_000
MAX_UNPACKED_BYTES = 64 * 1024**3
#: Weights compress to no less than about half; text does better, but is small.
MAX_RATIO = 200
PICKLE_ENDINGS = frozenset({".pt", ".ckpt", ".bin", ".pth", ".pkl"})
PICKLE = "may hold a Python pickle, which is never opened: convert it to .safetensors with a tool you trust"
_WANTED = frozenset({
    ".safetensors", ".json", ".info", ".txt", ".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".zip",
}) | PICKLE_ENDINGS  # fmt: skip

#: What zipfile and the decompressors below it raise for a damaged archive, for one packed by a method that
#: they lack (a RuntimeError), for one that names a file twice, and for a name of no letters (an IndexError).
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError, FileExistsError,
    ValueError, LookupError, ArithmeticError,
)  # fmt: skip


def unpack(archive: Path, target: Path) -> dict[str, str]:
    """Unpack the LoRAs and sidecars of a zip into `target`, keeping its folders.

    Returns:
        Entry name -> why it was left out, for entries that a person would miss: pickles, zips in the zip,
        encrypted entries, names such as NUL.safetensors. Files of no use here (such as .DS_Store) are passed
        over.

    Raises:
        InvalidFileError: not a zip, damaged, or built to escape the folder or to fill the disk; then
            nothing is left in `target`.
    """
    refused: dict[str, str] = {}
    try:
        with zipfile.ZipFile(archive) as content:
            entries = [info for info in content.infolist() if not info.is_dir()]
            _check_sizes(archive, entries, target)
            for info in entries:
                place = _place(archive, info)
                if place.suffix.lower() not in _WANTED or place.name.startswith("._"):
                    continue
                if reason := _reason_to_leave_out(info, place):
                    refused[f"{archive.name}/{info.filename}"] = reason
                    continue
                path = target / place
                path.parent.mkdir(parents=True, exist_ok=True)
                with content.open(info) as source, path.open("xb") as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)
    except _UNREADABLE as error:
        shutil.rmtree(target, ignore_errors=True)
        raise InvalidFileError(
            f"{archive.name} is not a zip that can be read ({error}): pack it again"
        ) from error
    except (InvalidFileError, OSError):
        shutil.rmtree(target, ignore_errors=True)
        raise
    target.mkdir(parents=True, exist_ok=True)
    return refused


def _check_sizes(archive: Path, entries: list[zipfile.ZipInfo], target: Path) -> None:
    if len(entries) > MAX_ENTRIES:
        raise InvalidFileError(f"{archive.name} holds {len(entries)} files, over the limit of {MAX_ENTRIES}")
    total = sum(info.file_size for info in entries)
    packed = archive.stat().st_size
    if total > MAX_UNPACKED_BYTES or (total > 1 << 24 and total > MAX_RATIO * packed):
        raise InvalidFileError(
            f"{archive.name} would unpack to {total} bytes from {packed}: it is not trusted"
        )
    free = shutil.disk_usage(_existing(target)).free
    if total > free:
        raise InvalidFileError(
            f"{archive.name} needs {total} bytes to unpack, the disk has {free}: free some space"
        )


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


def _place(archive: Path, info: zipfile.ZipInfo) -> PurePosixPath:
    """The entry's relative path; Raises InvalidFileError when it would leave the folder."""
    name = info.filename.replace("\\", "/")
    place = PurePosixPath(name)
    windows = PureWindowsPath(name)
    if place.is_absolute() or windows.drive or ".." in place.parts or stat.S_ISLNK(info.external_attr >> 16):
        raise InvalidFileError(
            f"{archive.name} holds {info.filename!r}, which points outside the archive: it is not trusted"
        )
    return place


def _reason_to_leave_out(info: zipfile.ZipInfo, place: PurePosixPath) -> str:
    if strange := next((part for part in place.parts if not is_plain(part)), ""):
        return f"{strange!r} is no name for a file on every system: unpack it yourself and rename it"
    if info.flag_bits & 1:
        return f"{place.name} is encrypted: unpack the archive yourself and add the files"
    if place.suffix.lower() == ".zip":
        return f"{place.name} is a zip inside a zip: unpack it yourself and add the files"
    return f"{place.name} {PICKLE}" if place.suffix.lower() in PICKLE_ENDINGS else ""
