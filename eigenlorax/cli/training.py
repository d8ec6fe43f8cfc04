"""The command that teaches a new style from pictures."""

import json
from pathlib import Path
from typing import Annotated

import typer

from eigenlorax.cli.common import DEFAULT_MODEL, DataDir, Model, errors_told, opened, watched
from eigenlorax.subspaces.teaching import TeachRequest
from eigenlorax.training.captions import Wording
from eigenlorax.training.teach import TeachSettings


def train(
    data_dir: DataDir,
    pictures: Annotated[list[Path], typer.Argument(help="Picture files, or folders of them.")],
    name: Annotated[str, typer.Option(help="Of the new style.")],
    trigger: Annotated[str, typer.Option(help="The word that stands for it in prompts.")],
    subject: Annotated[str, typer.Option(help="What all pictures show, such as 'a dog'.")] = "",
    steps: Annotated[int, typer.Option(help="Optimiser steps at most.")] = TeachSettings.steps,
    rows: Annotated[int, typer.Option(help="Pictures of a step.")] = TeachSettings.rows,
    rate: Annotated[float, typer.Option(help="Learning rate, whitened.")] = TeachSettings.rate,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = TeachSettings.seed,
    columns: Annotated[int, typer.Option(help="Shared columns a module to learn in, at least.")] = 16,
    mirrors: Annotated[bool, typer.Option("--mirrors", help="Learn from mirror images too.")] = False,
    model: Model = DEFAULT_MODEL,
    as_data: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Teach a style from a few pictures by coefficients alone; a call that was stopped goes on where it was.

    The styles of the data folder are the donors: the more of them, the better the start.
    """
    with errors_told():
        studio = opened(model, data_dir)
        settings = TeachSettings(steps=steps, rows=rows, rate=rate, seed=seed)
        request = TeachRequest(name, pictures, Wording(trigger, subject), settings, columns, mirrors)
        made = watched("Teaching", studio.growth.teach(request))
    result = made.taught
    if as_data:
        told = {
            "base": result.base, "start": result.before, "after": result.after, "numbers": result.numbers,
            "mixture": dict(result.start), "held": result.held, "losses": result.losses,
            "pictures": made.pictures, "left_out": {str(one.path): one.reason for one in made.left_out},
            "style_bytes": made.style.fidelity.style_bytes,
        }  # fmt: skip
        typer.echo(json.dumps(told, indent=2))
        return
    for one in made.left_out:
        typer.echo(f"{one.path.name}: {one.reason}")
    for word in made.words:
        typer.echo(word)
    typer.echo(made.style.notes["teaching"])
    if result.warning:
        typer.echo(result.warning)
    typer.echo(
        f"{name}: {result.numbers:,} coefficients, {made.style.fidelity.style_bytes / 1e3:.0f} kB; "
        f"write {trigger!r} in prompts"
    )
