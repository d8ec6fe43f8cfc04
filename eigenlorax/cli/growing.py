"""The commands that grow and shrink the current subspace."""

from typing import Annotated

import typer

from eigenlorax.cli.common import DEFAULT_MODEL, DataDir, Model, errors_told
from eigenlorax.report.sheet import fidelity_table
from eigenlorax.studio import Studio
from eigenlorax.subspaces.desk import DEFAULT_RETAIN


def add(
    names: Annotated[list[str], typer.Argument(help="LoRAs of the library.")],
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
    retain: Annotated[float, typer.Option(help="Share of each LoRA's effect to keep.")] = DEFAULT_RETAIN,
) -> None:
    """Bring LoRAs into the current subspace without a new fit; the other styles stay bit for bit."""
    with errors_told():
        studio = Studio(model, data_dir)
        styles = [studio.subspaces.add(name, retain) for name in names]
    typer.echo(fidelity_table(styles, studio.stored_bytes))


def remove(
    name: Annotated[str, typer.Argument(help="A style of the current subspace.")],
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
) -> None:
    """Take a style out of the current subspace; its LoRA and the other styles stay."""
    with errors_told():
        studio = Studio(model, data_dir)
        studio.subspaces.remove(name)
    typer.echo(f"{name} is out; {len(studio.styles)} styles, {studio.stored_bytes:,} bytes")
