"""The command that writes styles for other programs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from eigenlorax.cli.answer import Answer
from eigenlorax.cli.common import blend_from, opened
from eigenlorax.cli.options import DEFAULT_MODEL, DataDir, Model
from eigenlorax.errors import InvalidRequestError
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
    predict: Annotated[
        bool, typer.Option("--predict", help="Only tell error and size beforehand; a LoRA's.")
    ] = False,
) -> Answer:
    """Write styles, or a LoRA, as a LoRA in any dialect, a bundle, or a merged model; read back, compared."""
    if predict and what is not Kind.LORA:
        raise InvalidRequestError("--predict tells of a LoRA: a bundle and a checkpoint are exact")
    desk = opened(model, data_dir).exports
    blend = blend_from(style or [])
    if what is Kind.BUNDLE:
        size = desk.bundle(list(blend) or None, out, replace=replace)
        return Answer({"path": out, "file_bytes": size}, [f"{out}: {size:,} bytes"])
    if what is Kind.CHECKPOINT:
        written = desk.checkpoint(CheckpointExport(out, blend, precision, replace=replace))
        return Answer(written, [f"{out}: {written.file_bytes:,} bytes, every weight compared"])
    request = LoRAExport(
        out, blend, lora, rank, max_error, dialect=dialect, precision=precision, replace=replace
    )
    predicted = desk.predict(request)
    lines = [f"predicted: error {predicted.error:.3%}, {predicted.file_bytes:,} bytes"]
    if predict:
        return Answer({"predicted": predicted}, [*lines, predicted.remark])
    result = desk.lora(request)
    lines += [
        f"{out}: read back with error {result.error:.3%}, {result.file_bytes:,} bytes",
        predicted.remark,
    ]
    return Answer({"path": out, "predicted": predicted, "written": result}, lines)
