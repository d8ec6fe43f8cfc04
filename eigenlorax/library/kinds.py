"""What this program's own files say of themselves, and which of them it reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.header import Header, read_header

FORMAT_VERSION = "3"
READABLE_VERSIONS = ("1", "2", "3")


def checked_header(path: Path, kind: str) -> Header:
    """The header of a file of this program's.

    Raises:
        InvalidFileError: not safetensors, of another kind, or of a format version not known here.
    """
    header = read_header(path)
    if header.metadata.get("format") != kind:
        raise InvalidFileError(f"{path.name} is not an {kind} file")
    if header.metadata.get("version") not in READABLE_VERSIONS:
        raise InvalidFileError(
            f"{path.name} has format version {header.metadata.get('version')}, this program reads up to "
            f"{FORMAT_VERSION}: update the program"
        )
    return header


@contextmanager
def believed(path: Path, remedy: str) -> Iterator[None]:
    """Read what a file says of itself, and say so where it cannot be true.

    Args:
        path: The file.
        remedy: What to do next, in words.

    Raises:
        InvalidFileError: instead of what a header that lies brings about in the block.
    """
    try:
        yield
    except (
        LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError, SafetensorError,
    ) as error:  # fmt: skip
        raise InvalidFileError(
            f"{path.name} is damaged: its header contradicts itself ({error}); {remedy}"
        ) from error
