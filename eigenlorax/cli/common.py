"""What the commands share: their common options, how the studio is opened, and how input is read."""

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

import typer

from eigenlorax.errors import InvalidRequestError
from eigenlorax.home import DATA_DIR, MODEL, data_home
from eigenlorax.intake import Imported
from eigenlorax.runtime.options import LoadOptions
from eigenlorax.studio import DEMO_MODEL, Studio
from eigenlorax.subspaces.desk import Compressed

DEFAULT_MODEL = str(DEMO_MODEL)

Model = Annotated[
    str,
    typer.Option(
        envvar=MODEL,
        show_envvar=False,
        help="SDXL folder, .safetensors file or hub id.",
        show_default="the demo model",
    ),
]
DataDir = Annotated[
    Path,
    typer.Option(
        default_factory=data_home,
        envvar=DATA_DIR,
        show_envvar=False,
        help="Where LoRAs, styles and pictures are kept.",
        show_default="as the page",
    ),
]
LOAD_OPTIONS: ContextVar[LoadOptions] = ContextVar("LOAD_OPTIONS", default=LoadOptions())  # noqa: B039  # frozen
"""What stood before the command's name."""


def opened(model: str, data_dir: Path) -> Studio:
    """The studio of a data folder, its model loaded as the options before the command's name say."""
    return Studio(model, data_dir.expanduser(), options=LOAD_OPTIONS.get())


def reasons(imported: Iterable[Imported]) -> dict[str, str]:
    """File -> why it is not used, of those that are not."""
    return {one.name: one.report.reason for one in imported if one.report.reason}


def told(reasons: dict[str, str]) -> list[str]:
    """One line for each name with what is said of it."""
    return [f"{name}: {why}" for name, why in reasons.items()]


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
