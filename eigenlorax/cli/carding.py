"""The commands for style cards: one writes them, the other takes them."""

from pathlib import Path
from typing import Annotated

import typer

from eigenlorax.cli.answer import Answer
from eigenlorax.cli.common import opened
from eigenlorax.cli.options import DEFAULT_MODEL, DataDir, Model
from eigenlorax.cli.progress import watched
from eigenlorax.export.cards import CardExport
from eigenlorax.library.card_content import CardKind
from eigenlorax.subspaces.taking import DEFAULT_KEEP, Into


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
) -> Answer:
    """Write a style as one picture that carries it, to be dropped into the page or given to `take`."""
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
    written = watched("Drawing", opened(model, data_dir).cards.write(request))
    line = f"{out}: {written.file_bytes:,} bytes, a {written.kind} card of {name} ({written.carried_bytes:,})"
    content = {
        "path": written.path, "kind": written.kind,
        "carried_bytes": written.carried_bytes, "file_bytes": written.file_bytes,
    }  # fmt: skip
    return Answer(content, [line])


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
) -> Answer:
    """Bring the styles of cards into the current subspace; the other styles stay as they are."""
    desk = opened(model, data_dir).cards
    taken = [desk.take(path, into, keep) for path in cards]
    return Answer(taken, [one.words for one in taken])
