"""The command that writes styles for other programs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from eigenlorax.cli.common import DEFAULT_MODEL, DataDir, Model, blend_from, errors_told, opened
from eigenlorax.export.request import CheckpointExport, LoRAExport
from eigenlorax.formats.dialect import Dialect, Precision


class Kind(StrEnum):
    """What an export writes."""

    LORA = "lora"
    BUNDLE = "bundle"
    CHECKPOINT = "checkpoint"


def export(
    out: Annotated[Path, typer.Argument(help="File to write; a folder for PEFT or a diffusers model.")],
    data_dir: DataDir,
    style: Annotated[list[str] | None, typer.Option(help="NAME=STRENGTH; repeat it to blend.")] = None,
    lora: Annotated[str, typer.Option(help="An original LoRA of the library instead of styles.")] = "",
    what: Annotated[Kind, typer.Option(help="What to write.")] = Kind.LORA,
    dialect: Annotated[Dialect, typer.Option("--format", help="Whose spelling.")] = Dialect.KOHYA_SGM,
    rank: Annotated[int | None, typer.Option(help="Largest rank of any module.")] = None,
    max_error: Annotated[float | None, typer.Option(help="Largest relative error instead.")] = None,
    precision: Annotated[Precision, typer.Option(help="Of every number.")] = Precision.FP16,
    model: Model = DEFAULT_MODEL,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write styles, or a LoRA, as a LoRA in any dialect, a bundle, or a merged model; read back, compared."""
    with errors_told():
        desk = opened(model, data_dir).exports
        blend = blend_from(style or [])
        if what is Kind.BUNDLE:
            typer.echo(f"{out}: {desk.bundle(list(blend) or None, out, replace=replace):,} bytes")
        elif what is Kind.CHECKPOINT:
            written = desk.checkpoint(CheckpointExport(out, blend, precision, replace=replace))
            typer.echo(f"{out}: {written.file_bytes:,} bytes, every weight compared")
        else:
            request = LoRAExport(
                out, blend, lora, rank, max_error, dialect=dialect, precision=precision, replace=replace
            )
            predicted = desk.predict(request)
            typer.echo(f"predicted: error {predicted.error:.3%}, {predicted.file_bytes:,} bytes")
            result = desk.lora(request)
            typer.echo(f"{out}: read back with error {result.error:.3%}, {result.file_bytes:,} bytes")
            for line in filter(None, [predicted.remark]):
                typer.echo(line)
