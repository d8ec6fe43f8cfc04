"""The command that fits one subspace to a collection."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from eigenlorax.cli.common import DEFAULT_MODEL, Model, errors_told, figures, opened, reasons_told, watched
from eigenlorax.errors import InvalidRequestError
from eigenlorax.formats.facts import relation_lines
from eigenlorax.library.atomic import written_aside
from eigenlorax.report.sheet import fidelity_table
from eigenlorax.studio import Studio
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspaces.wish import DEFAULT_NUMBERS, DEFAULT_RETAIN, Outliers, Wish

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}


def compress(
    data_dir: Annotated[Path, typer.Option(help="The page's data folder; made when it is not there.")],
    loras: Annotated[list[Path] | None, typer.Option(help="LoRAs to import first; repeat it.")] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="A LoRA of the library, repeat it; by default all.")
    ] = None,
    retain: Annotated[
        float | None, typer.Option(help=f"Mean share of each LoRA's effect to keep.  [{DEFAULT_RETAIN}]")
    ] = None,
    budget: Annotated[str, typer.Option(help="Most bytes on disk instead, such as 30MB.")] = "",
    exclude: Annotated[
        list[str] | None,
        typer.Option(help="Leave LoRAs out whose name, trigger words or tags hold this word; repeat it."),
    ] = None,
    numbers: Annotated[Numbers, typer.Option(help="What is stored.")] = DEFAULT_NUMBERS,
    outliers: Annotated[
        Outliers,
        typer.Option(help="Whether LoRAs that share nothing are sought and kept out of the basis."),
    ] = Outliers.IN,
    json_out: Annotated[Path | None, typer.Option("--json", help="JSON with all figures to write.")] = None,
    model: Model = DEFAULT_MODEL,
) -> None:
    """Fit one subspace to LoRAs of the library and tell how near each style is; the LoRAs stay."""
    with errors_told():
        if budget and retain is not None:
            raise InvalidRequestError("--retain and --budget are two goals: give one of them")
        most = bytes_from(budget) if budget else None
        studio = opened(model, data_dir)
        reasons_told(studio.import_paths(loras or []))
        if name:
            _check_names(studio, name)
        wish = Wish(
            DEFAULT_RETAIN if retain is None else retain, most, tuple(exclude or ()), numbers, outliers
        )
        compressed = watched("Compressing", studio.subspaces.compress(name or None, wish))
        if json_out is not None:
            with written_aside(json_out) as aside:
                aside.write_text(json.dumps(figures(compressed), indent=2) + "\n", encoding="utf-8")
    for line in relation_lines(compressed.relations):
        typer.echo(line)
    for left_out, why in compressed.excluded.items():
        typer.echo(f"{left_out}: {why}")
    if compressed.carried:
        typer.echo(f"{', '.join(compressed.carried)}: no LoRA in the library; came along as they were")
    typer.echo(fidelity_table(list(compressed.styles.values()), compressed.stored_bytes))


def bytes_from(words: str) -> int:
    """A size such as 30MB, 1.5 GB, 800KiB or 1000000, in bytes.

    Raises:
        InvalidRequestError: it is none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?I?)B?", words.strip().upper())
    if match is None or match[2] not in _UNITS:
        raise InvalidRequestError(f"{words!r} is no size: write one such as 30MB or 1.5GB")
    return int(float(match[1]) * _UNITS[match[2]])


def _check_names(studio: Studio, names: Sequence[str]) -> None:
    usable = [entry.report.name for entry in studio.entries() if entry.report.usable]
    if missing := sorted(set(names) - set(usable)):
        raise InvalidRequestError(
            f"the library has no usable LoRA named {', '.join(missing)}; it has {', '.join(sorted(usable))}"
        )
