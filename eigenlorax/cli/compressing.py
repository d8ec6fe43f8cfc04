"""The commands that fit one subspace to a collection, and those that measure what it takes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from eigenlorax.cli.answer import Answer, table
from eigenlorax.cli.common import figures, opened, reasons, told
from eigenlorax.cli.options import DEFAULT_MODEL, DataDir, Model
from eigenlorax.cli.progress import watched
from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import retold
from eigenlorax.formats.facts import relation_lines
from eigenlorax.report.sheet import fidelity_table
from eigenlorax.studio import Studio
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.size_curve import SAMPLED
from eigenlorax.subspaces.estimate import SizeEstimate
from eigenlorax.subspaces.wish import DEFAULT_NUMBERS, DEFAULT_RETAIN, Outliers, Wish

_SHARES = (0.5, 0.9, 0.99)
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}


Retain = Annotated[
    float | None, typer.Option(help=f"Mean share of each LoRA's effect to keep; {DEFAULT_RETAIN} by default.")
]
Budget = Annotated[str, typer.Option(help="Most bytes on disk instead, such as 30MB.")]
Names = Annotated[
    list[str] | None, typer.Option("--name", help="A LoRA of the library, repeat it; by default all.")
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(help="Leave LoRAs out whose name, trigger words or tags hold this word; repeat it."),
]


def compress(
    data_dir: DataDir,
    loras: Annotated[list[Path] | None, typer.Option(help="LoRAs to import first; repeat it.")] = None,
    name: Names = None,
    retain: Retain = None,
    budget: Budget = "",
    exclude: Exclude = None,
    numbers: Annotated[Numbers, typer.Option(help="What is stored.")] = DEFAULT_NUMBERS,
    outliers: Annotated[
        Outliers,
        typer.Option(help="Whether LoRAs that share nothing are sought and kept out of the basis."),
    ] = Outliers.IN,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Fit one subspace to LoRAs of the library and tell how near each style is; the LoRAs stay."""
    wish = _wish(retain, budget, exclude, numbers, outliers)
    studio = opened(model, data_dir)
    left_out = reasons(studio.import_paths(loras or []))
    _check_names(studio, name)
    compressed = watched("Compressing", studio.subspaces.compress(name or None, wish))
    carried = f"{', '.join(compressed.carried)}: no LoRA in the library; came along as they were"
    lines = [
        *told(left_out),
        *relation_lines(compressed.relations),
        *told(dict(compressed.excluded)),
        carried if compressed.carried else "",
        fidelity_table(list(compressed.styles.values()), compressed.stored_bytes),
    ]
    return Answer({**figures(compressed), "carried": compressed.carried, "not_imported": left_out}, lines)


def estimate(
    data_dir: DataDir,
    name: Names = None,
    retain: Retain = None,
    budget: Budget = "",
    exclude: Exclude = None,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Tell what `compress` would take, measured on a sample of the modules; nothing is changed."""
    wish = _wish(retain, budget, exclude)
    studio = opened(model, data_dir)
    _check_names(studio, name)
    likely = watched("Measuring", retold(studio.estimates.estimate(name or None, wish), _Measured.of))
    if likely is None:
        raise InvalidRequestError("another question came in between: ask again")
    size = (
        f"about {likely.stored_bytes:,} bytes" if likely.stored_bytes else "too little was measured to tell"
    )
    lines = [
        f"{likely.loras} LoRAs of {likely.original_bytes:,} bytes: {size} at quality {likely.quality:.3f}",
        f"measured on {likely.measured} of {likely.modules} modules of {likely.looked_at} LoRAs",
    ]
    return Answer(likely, lines)


def spectrum(data_dir: DataDir, model: Model = DEFAULT_MODEL) -> Answer:
    """Tell how many directions hold the current styles, part of the model by part, beside chance."""
    found = watched("Measuring", opened(model, data_dir).spectra.spectrum())
    rows = [
        (
            part.part,
            f"{part.measured} of {part.modules}",
            *(part.reaches(found.directions, share) for share in _SHARES),
            *(part.reaches(found.directions, share, by_chance=True) for share in _SHARES),
        )
        for part in found.parts
    ]
    kept = [f"{share:.0%}" for share in _SHARES]
    lines = table(("part", "modules", *kept, *(f"{one} by chance" for one in kept)), rows)
    return Answer(found, ["Directions that keep so much of the styles' squared norm:", *lines])


def bytes_from(words: str) -> int:
    """A size such as 30MB, 1.5 GB, 800KiB or 1000000, in bytes.

    Raises:
        InvalidRequestError: it is none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?I?)B?", words.strip().upper())
    if match is None or match[2] not in _UNITS:
        raise InvalidRequestError(f"{words!r} is no size: write one such as 30MB or 1.5GB")
    return int(float(match[1]) * _UNITS[match[2]])


@dataclass(frozen=True)
class _Measured:
    """An estimate so far, as an event that counts."""

    done: int
    total: int

    @classmethod
    def of(cls, likely: SizeEstimate) -> "_Measured":
        return cls(likely.measured, min(SAMPLED, likely.modules))


def _wish(
    retain: float | None,
    budget: str,
    exclude: Sequence[str] | None,
    numbers: Numbers = DEFAULT_NUMBERS,
    outliers: Outliers = Outliers.IN,
) -> Wish:
    if budget and retain is not None:
        raise InvalidRequestError("--retain and --budget are two goals: give one of them")
    most = bytes_from(budget) if budget else None
    return Wish(DEFAULT_RETAIN if retain is None else retain, most, tuple(exclude or ()), numbers, outliers)


def _check_names(studio: Studio, names: Sequence[str] | None) -> None:
    usable = [entry.report.name for entry in studio.entries() if entry.report.usable]
    if missing := sorted(set(names or ()) - set(usable)):
        raise InvalidRequestError(
            f"the library has no usable LoRA named {', '.join(missing)}; it has {', '.join(sorted(usable))}"
        )
