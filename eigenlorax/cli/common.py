"""What the commands share: how the studio is opened, and how input is read and results are told."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from eigenlorax.cli.options import LOAD_OPTIONS
from eigenlorax.errors import InvalidRequestError
from eigenlorax.intake import Imported
from eigenlorax.studio import Studio
from eigenlorax.subspaces.desk import Compressed


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
