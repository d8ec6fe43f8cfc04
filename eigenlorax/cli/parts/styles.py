"""`eigenlorax styles`: the styles of the current subspace, what is noted of them, and their covers."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from eigenlorax.cases.pictures import known_figures
from eigenlorax.cases.previews import PreviewWish, render_previews
from eigenlorax.cli.answer import Answer, table
from eigenlorax.cli.common import opened
from eigenlorax.cli.options import DEFAULT_MODEL, DataDir, Model
from eigenlorax.cli.progress import watched
from eigenlorax.errors import UnknownStyleError
from eigenlorax.library.notes import words_of
from eigenlorax.studio import Studio
from eigenlorax.subspace.style import Style

Name = Annotated[str, typer.Argument(help="A style, or a LoRA of the library.")]
StyleName = Annotated[str, typer.Argument(help="A style.")]


def listed(data_dir: DataDir, model: Model = DEFAULT_MODEL) -> Answer:
    """List the styles that can be worn, with their trigger words and how near each is to its LoRA."""
    studio = opened(model, data_dir)
    styles = studio.styles
    rows = [
        (
            name,
            style.fidelity.verdict.value,
            f"{style.fidelity.style_bytes:,}",
            "favourite" if studio.collection.note(name).favourite else "",
            ", ".join(style.trigger_words),
        )
        for name, style in styles.items()
    ]
    lines = table(("style", "verdict", "bytes", "", "trigger words"), rows)
    if not styles:
        lines = ["no styles yet: compress some LoRAs first"]
    left_out = [f"{name} is left out: {why}" for name, why in studio.subspaces.excluded.items()]
    content = {"styles": {name: _content(studio, one) for name, one in styles.items()}}
    return Answer(
        {**content, "left_out": studio.subspaces.excluded, "stored_bytes": studio.stored_bytes},
        [studio.notice, *lines, *left_out],
    )


def show(name: StyleName, data_dir: DataDir, model: Model = DEFAULT_MODEL) -> Answer:
    """Tell everything that is known of a style: fidelity, notes, cover, and how near its pictures are."""
    studio = opened(model, data_dir)
    style = _style(studio, name)
    content = _content(studio, style)
    figure = known_figures(studio).get(name)
    content["pictures"] = figure
    lines = [
        f"{key.replace('_', ' '):<16} {value}"
        for key, value in _flat(content).items()
        if value not in (None, "")
    ]
    return Answer(content, lines)


def note(
    name: Name,
    data_dir: DataDir,
    favourite: Annotated[bool | None, typer.Option(help="Whether it is one.")] = None,
    rating: Annotated[int | None, typer.Option(help="Stars, 1 to 5; 0 for none.")] = None,
    tags: Annotated[
        str | None, typer.Option(help="Words, separated by commas, in place of the file's.")
    ] = None,
    trigger: Annotated[str | None, typer.Option(help="Trigger words, in place of the file's.")] = None,
    weight: Annotated[float | None, typer.Option(help="The strength that it is switched on with.")] = None,
    text: Annotated[str | None, typer.Option(help="Free words.")] = None,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Print what you noted of a style or a LoRA, or change it; its files stay as they are."""
    collection = opened(model, data_dir).collection
    given = {
        "favourite": favourite, "rating": rating, "preferred_weight": weight, "text": text,
        "tags": None if tags is None else words_of(tags),
        "trigger_words": None if trigger is None else words_of(trigger),
    }  # fmt: skip
    changes = {key: value for key, value in given.items() if value is not None}
    if name not in collection.styles():
        collection.facts(name)  # refuses a name that nothing has
    noted = collection.write_note(name, changes) if changes else collection.note(name)
    said = [
        f"{key.replace('_', ' ')}: {value}"
        for key, value in vars(noted).items()
        if value not in (None, "", 0)
    ]
    return Answer({"name": name, **vars(noted)}, said or ["nothing is noted"])


def previews(
    data_dir: DataDir,
    name: Annotated[list[str] | None, typer.Option(help="A style, repeat it; by default all.")] = None,
    prompt: Annotated[str, typer.Option(help="Trigger words are added.")] = PreviewWish.prompt,
    seed: Annotated[int, typer.Option(help="One for all.")] = PreviewWish.seed,
    steps: Annotated[int, typer.Option(help="Denoising steps.")] = PreviewWish.steps,
    guidance: Annotated[float, typer.Option(help="Classifier-free guidance scale.")] = PreviewWish.guidance,
    anew: Annotated[bool, typer.Option("--anew", help="Also those that have a picture.")] = False,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Draw covers for styles at one prompt and seed; what is drawn already stays."""
    studio = opened(model, data_dir)
    for one in name or ():
        _style(studio, one)
    wish = PreviewWish(prompt, seed, steps, guidance, tuple(name or ()), anew)
    made = watched("Drawing", render_previews(studio, wish))
    drawn = ", ".join(made["drawn"]) or "nothing"
    return Answer(made, [f"drawn: {drawn}; {len(made['left'])} had a picture"])


def _style(studio: Studio, name: str) -> Style:
    styles = studio.styles
    if name not in styles:
        there = ", ".join(styles) or "none yet: compress some LoRAs first"
        raise UnknownStyleError(f"no style named {name}; there are {there}")
    return styles[name]


def _content(studio: Studio, style: Style) -> dict[str, Any]:
    return {
        "name": style.name,
        "verdict": style.fidelity.verdict,
        "trigger_words": style.trigger_words,
        "fidelity": style.fidelity.told,
        "source_sha256": style.source_sha256,
        "note": studio.collection.note(style.name),
        "cover": studio.collection.style_cover(style),
        **({"made": dict(style.notes)} if style.notes else {}),
    }


def _flat(content: Mapping[str, Any]) -> dict[str, Any]:
    """One level of what is inside, for lines."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        inner = (
            value
            if isinstance(value, Mapping)
            else vars(value)
            if hasattr(value, "__dataclass_fields__")
            else None
        )
        if inner is None:
            found[key] = ", ".join(map(str, value)) if isinstance(value, tuple) else value
        else:
            found |= {f"{key} {one}": told for one, told in inner.items() if not isinstance(told, Mapping)}
    return found
