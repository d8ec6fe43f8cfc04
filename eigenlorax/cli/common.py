"""What the commands share: their common options, errors as one line, progress, and how input is read."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Protocol, TypeVar, runtime_checkable

import typer

from eigenlorax.errors import InvalidRequestError, StudioError
from eigenlorax.events import drain, retold
from eigenlorax.intake import Imported
from eigenlorax.runtime.options import LoadOptions
from eigenlorax.studio import DEMO_MODEL, Studio
from eigenlorax.subspaces.desk import Compressed

Result = TypeVar("Result")

Model = Annotated[str, typer.Option(help="Folder, .safetensors file or hub id.")]
DataDir = Annotated[Path, typer.Option(help="The page's data folder, with a compressed collection.")]

DEFAULT_MODEL = str(DEMO_MODEL)
_PLAIN = LoadOptions()
LOAD_OPTIONS: ContextVar[LoadOptions] = ContextVar("LOAD_OPTIONS", default=_PLAIN)
"""What stood before the command's name."""


@runtime_checkable
class Counted(Protocol):
    """An event that counts."""

    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...


def opened(model: str, data_dir: Path) -> Studio:
    """The studio of a data folder, its model loaded as the options before the command's name say."""
    return Studio(model, data_dir, options=LOAD_OPTIONS.get())


@contextmanager
def errors_told() -> Iterator[None]:
    """An error of the input or of the disk ends the command with one line on stderr."""
    try:
        yield
    except (StudioError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


def watched(label: str, events: Generator[Counted, None, Result]) -> Result:
    """Run a generator of events to its end under a progress bar; gives its result."""
    with typer.progressbar(length=1, label=f"{label:<11}", show_pos=False) as bar:

        def advance(event: Counted) -> None:
            bar.length = event.total
            bar.update(1)

        return drain(retold(events, advance))


def reasons_told(imported: Iterable[Imported]) -> None:
    """One line for each file that is not used, with its reason."""
    for one in imported:
        if one.report.reason:
            typer.echo(f"{one.name}: {one.report.reason}")


def blend_from(styles: Sequence[str]) -> dict[str, float]:
    """Strengths by style from NAME=STRENGTH; a bare NAME is worn at 1.0.

    Raises:
        InvalidRequestError: a strength is no number.
    """
    blend = {}
    for given in styles:
        name, _, strength = given.rpartition("=")
        try:
            blend[name or strength] = float(strength) if name else 1.0
        except ValueError as error:
            raise InvalidRequestError(f"{given!r} is no NAME=STRENGTH, such as neon=0.8") from error
    return blend


def figures(compressed: Compressed) -> dict[str, object]:
    """Bytes before and after, and how near each style is to its LoRA, for JSON."""
    return {
        "original_bytes": compressed.original_bytes,
        "stored_bytes": compressed.stored_bytes,
        "styles": {name: style.fidelity.told for name, style in compressed.styles.items()},
        "excluded": dict(compressed.excluded),
    }
