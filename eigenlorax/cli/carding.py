"""The commands for style cards: one writes them, the other takes them."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from eigenlorax.cli.common import DEFAULT_MODEL, Counted, DataDir, Model, errors_told, opened, watched
from eigenlorax.easel import Drawing
from eigenlorax.events import drain, retold
from eigenlorax.export.cards import CardExport
from eigenlorax.library.card_content import CardKind
from eigenlorax.runtime.ladder import SteppedDown
from eigenlorax.runtime.paint import Step
from eigenlorax.subspaces.taking import DEFAULT_KEEP, Into

AsJSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def card(
    name: Annotated[str, typer.Argument(help="A style of the current subspace.")],
    out: Annotated[Path, typer.Option(help="PNG file to write.")],
    data_dir: DataDir,
    whole: Annotated[
        bool, typer.Option("--whole", help="For everyone with the same base, not only the same subspace.")
    ] = False,
    prompt: Annotated[
        list[str] | None,
        typer.Option(help="What to draw, up to three times; trigger words come by themselves."),
    ] = None,
    picture: Annotated[
        list[Path] | None, typer.Option(help="A picture to show instead of drawing, up to three times.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the pictures that are drawn.")] = CardExport.seed,
    steps: Annotated[int, typer.Option(help="Of each picture that is drawn.")] = CardExport.steps,
    model: Model = DEFAULT_MODEL,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite a file that is there.")] = False,
    as_data: AsJSON = False,
) -> None:
    """Write a style as one picture that carries it, to be dropped into the page or given to `take`."""
    with errors_told():
        request = CardExport(
            name,
            out,
            CardKind.WHOLE if whole else CardKind.LIGHT,
            tuple(prompt or CardExport.prompts),
            seed,
            steps,
            pictures=tuple(picture or ()),
            replace=replace,
        )
        work = opened(model, data_dir).cards.write(request)
        written = drain(work) if as_data or picture else watched("Drawing", retold(work, _counted))
    content = {
        "path": str(written.path),
        "kind": written.kind.value,
        "carried_bytes": written.carried_bytes,
        "file_bytes": written.file_bytes,
    }
    line = f"{out}: {written.file_bytes:,} bytes, a {written.kind} card of {name} ({written.carried_bytes:,})"
    typer.echo(json.dumps(content, indent=2) if as_data else line)


def _counted(event: Drawing) -> Counted:
    """An event for a progress bar; a step down the ladder is told as the start that it is."""
    return Step(0, 1) if isinstance(event, SteppedDown) else event


def take(
    cards: Annotated[list[Path], typer.Argument(help="Style cards: PNG files as they were written.")],
    data_dir: DataDir,
    into: Annotated[
        Into, typer.Option(help="By the fewest bytes, or with private ranks alone, where columns differ.")
    ] = Into.COLUMNS,
    keep: Annotated[
        float, typer.Option(help="Share of the style to keep where columns differ.")
    ] = DEFAULT_KEEP,
    model: Model = DEFAULT_MODEL,
    as_data: AsJSON = False,
) -> None:
    """Bring the styles of cards into the current subspace; the other styles stay as they are."""
    with errors_told():
        desk = opened(model, data_dir).cards
        taken = [desk.take(path, into, keep) for path in cards]
    lines = "\n".join(one.words for one in taken)
    typer.echo(json.dumps([asdict(one) for one in taken], indent=2) if as_data else lines)
