"""`eigenlorax blend`: how styles lie to each other, and new ones out of old ones."""

from typing import Annotated

import typer

from eigenlorax.blending.derived import MOST_DIRECTIONS
from eigenlorax.blending.map import neighbours
from eigenlorax.cli.answer import Answer, table
from eigenlorax.cli.asking import dials_from
from eigenlorax.cli.common import blend_from, opened
from eigenlorax.cli.options import DEFAULT_MODEL, DataDir, Model
from eigenlorax.errors import InvalidRequestError

Blend = Annotated[list[str], typer.Argument(help="Styles as NAME=STRENGTH.")]
DialOption = Annotated[list[str] | None, typer.Option("--dial", help="NAME:PART=FACTOR, as of `generate`.")]
Derived = Annotated[
    str,
    typer.Argument(help='"dice 17", "remix 17" or "direction 1": decided by its name and the collection.'),
]


def check(blend: Blend, data_dir: DataDir, dial: DialOption = None, model: Model = DEFAULT_MODEL) -> Answer:
    """Tell whether the styles of a blend pull against each other, and each one's share of it."""
    found = opened(model, data_dir).blending.conflict(blend_from(blend), dials_from(dial or []))
    lines = [
        f"balance {found.balance:+.3f} (0: strangers, below: against each other, above: alike); "
        f"{found.kept:.0%} of strangers' strength is left",
        *table(("style", "share"), [(name, f"{share:.1%}") for name, share in found.shares.items()]),
    ]
    if found.pairs:
        pairs = [(pair.one, pair.other, f"{pair.cosine:+.3f}") for pair in found.pairs]
        lines += ["", *table(("style", "and", "cosine"), pairs)]
    return Answer(found, lines)


def balance(
    blend: Blend,
    data_dir: DataDir,
    lock: Annotated[list[str] | None, typer.Option(help="A style whose strength stays; repeat it.")] = None,
    dial: DialOption = None,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Find strengths that give every style an equal share, with the blend as strong as before."""
    desk = opened(model, data_dir).blending
    return _strengths(desk.balance(blend_from(blend), lock or (), dials_from(dial or [])))


def scales(data_dir: DataDir, model: Model = DEFAULT_MODEL) -> Answer:
    """Tell the factor on each style's strength that makes all of them equally strong."""
    return _strengths(opened(model, data_dir).blending.scales())


def like(
    name: Annotated[str, typer.Argument(help="A style.")], data_dir: DataDir, model: Model = DEFAULT_MODEL
) -> Answer:
    """List the other styles by how much they do the same as this one, the likest first."""
    found = opened(model, data_dir).blending.likeness(name)
    return Answer(
        found, table(("style", "cosine"), [(one, f"{cosine:+.3f}") for one, cosine in found.items()])
    )


def copies(
    data_dir: DataDir,
    least: Annotated[float, typer.Option(help="Cosine from which on two styles count as one.")] = 0.98,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """List pairs of styles that do all but the same."""
    found = opened(model, data_dir).blending.near_copies(least)
    rows = [(one, other, f"{cosine:.3f}") for one, other, cosine in found]
    return Answer(
        found, table(("style", "and", "cosine"), rows) if rows else ["no two styles are that alike"]
    )


def directions(
    data_dir: DataDir,
    count: Annotated[int, typer.Option(help="How many, the strongest first.")] = MOST_DIRECTIONS,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """List what the styles differ in most; each can be worn as "direction 1" and so on."""
    found = opened(model, data_dir).blending.directions(count)
    rows = [(f"direction {n}", f"{one.share:.1%}", *one.ends) for n, one in enumerate(found, start=1)]
    return Answer(found, table(("name", "of the variance", "from", "to"), rows) if rows else [_FEW])


def places(
    data_dir: DataDir,
    at: Annotated[
        tuple[float, float] | None, typer.Option(help="X Y: the blend of the nearest styles there.")
    ] = None,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Print the map: where the styles lie, those that do alike near each other; or the blend at a point."""
    found = opened(model, data_dir).blending.map()
    if not found.points:
        raise InvalidRequestError(_FEW)
    if at is not None:
        return _strengths(neighbours(found.points, at))
    rows = [(name, f"{x:+.3f}", f"{y:+.3f}") for name, (x, y) in found.points.items()]
    told = f"the two axes show {found.share:.0%} of what the styles differ in"
    return Answer(found, [*table(("style", "x", "y"), rows), told])


def made_of(name: Derived, data_dir: DataDir, model: Model = DEFAULT_MODEL) -> Answer:
    """Tell what a style by chance, or along a direction, is made of; `generate --style` wears it."""
    desk = opened(model, data_dir).blending
    if not desk.can_make(name):
        raise InvalidRequestError(f'{name!r} is none: write "dice 17", "remix 17" or "direction 1"')
    found = desk.derivation(name)
    return Answer(found, [found.words])


def keep(
    name: Derived,
    chosen: Annotated[str, typer.Argument(metavar="NEW_NAME", help="What it is called from now on.")],
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Keep such a style under a name of its own, in a new version of the subspace."""
    studio = opened(model, data_dir)
    style = studio.blending.keep(name, chosen)
    content = {"name": style.name, "styles": sorted(studio.styles), "stored_bytes": studio.stored_bytes}
    return Answer(content, [f"{style.name} is kept; {len(studio.styles)} styles"])


_FEW = "there are too few styles: compress some LoRAs first"


def _strengths(found: dict[str, float]) -> Answer:
    lines = [f"{name}={strength:.4g}" for name, strength in found.items()]
    return Answer(found, lines or [_FEW])
