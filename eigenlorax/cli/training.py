"""The command that teaches a new style from pictures."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from eigenlorax.cli.answer import Answer
from eigenlorax.cli.common import opened
from eigenlorax.cli.options import DEFAULT_MODEL, DataDir, Model
from eigenlorax.cli.progress import watched
from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import drain, retold
from eigenlorax.subspaces.teaching import Making, TaughtStyle, TeachRequest
from eigenlorax.training.captions import Wording
from eigenlorax.training.crew import enlisted
from eigenlorax.training.samples import Sampled
from eigenlorax.training.teach_settings import PRESETS, TeachSettings


def train(
    data_dir: DataDir,
    pictures: Annotated[list[Path], typer.Argument(help="Picture files, or folders of them.")],
    name: Annotated[str, typer.Option(help="Of the new style.")],
    trigger: Annotated[str, typer.Option(help="The word that stands for it in prompts.")],
    subject: Annotated[str, typer.Option(help="What all pictures show, such as 'a dog'.")] = "",
    preset: Annotated[str, typer.Option(help=f"What is not given below: {', '.join(PRESETS)}.")] = "style",
    steps: Annotated[int | None, typer.Option(help="Optimiser steps at most.")] = None,
    rows: Annotated[int | None, typer.Option(help="Pictures that the model sees at once.")] = None,
    accumulate: Annotated[int | None, typer.Option(help="Batches of so many pictures in a step.")] = None,
    rate: Annotated[float | None, typer.Option(help="Learning rate, whitened.")] = None,
    ranks: Annotated[int | None, typer.Option(help="Private ranks beside the coefficients.")] = None,
    texts: Annotated[bool | None, typer.Option(help="Whether the text encoders learn too.")] = None,
    preserve: Annotated[
        float | None, typer.Option(help="What pictures of the subject by the bare model count; 0 is without.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = TeachSettings.seed,
    columns: Annotated[int, typer.Option(help="Shared columns a module to learn in, at least.")] = 16,
    mirrors: Annotated[bool, typer.Option("--mirrors", help="Learn from mirror images too.")] = False,
    samples: Annotated[
        list[str] | None,
        typer.Option(help="Prompt to draw while it learns; several may be given."),
    ] = None,
    sample_every: Annotated[int, typer.Option(help="Steps between such pictures; 0 draws none.")] = 50,
    samples_to: Annotated[Path | None, typer.Option(help="Folder that keeps them all.")] = None,
    model: Model = DEFAULT_MODEL,
) -> Answer | None:
    """Teach a style from a few pictures by coefficients alone; a call that was stopped goes on where it was.

    The styles of the data folder are the donors: the more of them, the better the start. Several processes
    share the pictures of a step: `accelerate launch --multi_gpu --num_processes 2 -m eigenlorax train ...`,
    on CPUs too.
    """
    given = {
        "steps": steps, "rows": rows, "accumulate": accumulate, "rate": rate, "ranks": ranks, "texts": texts,
        "preserve": preserve, "seed": seed,
    }  # fmt: skip
    with enlisted() as crew:
        settings = _settings(preset, given)
        crew.share(settings.rows)  # refused before a model is loaded
        studio = opened(model, data_dir)
        request = TeachRequest(
            name, pictures, Wording(trigger, subject), settings, columns, mirrors,
            samples=tuple(samples or ()), sample_every=sample_every,
        )  # fmt: skip
        going = retold(studio.growth.teach(request, crew), partial(_kept, samples_to))
        if not crew.first:
            drain(going)
            return None
        made = watched("Teaching", going)
    return _told(made, trigger)


def _settings(preset: str, given: Mapping[str, Any]) -> TeachSettings:
    """A preset with what was given put over it."""
    if preset not in PRESETS:
        raise InvalidRequestError(f"there is no preset {preset}; there are {', '.join(PRESETS)}")
    return replace(PRESETS[preset], **{key: value for key, value in given.items() if value is not None})


def _kept(folder: Path | None, event: Making) -> Making:
    """Save pictures of the style as it is."""
    if isinstance(event, Sampled) and folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for place, image in enumerate(event.images, start=1):
            image.save(folder / f"{event.step:05}-{place}.png")
    return event


def _told(made: TaughtStyle, trigger: str) -> Answer:
    result, style_bytes = made.taught, made.style.fidelity.style_bytes
    content = {
        "base": result.base, "start": result.before, "after": result.after, "numbers": result.numbers,
        "mixture": result.start, "held": result.held, "losses": result.losses,
        "pictures": made.pictures, "left_out": {str(one.path): one.reason for one in made.left_out},
        "style_bytes": style_bytes, "kept": made.kept_error,
    }  # fmt: skip
    lines = [
        *(f"{one.path.name}: {one.reason}" for one in made.left_out),
        *made.words,
        made.style.notes["teaching"],
        result.warning,
        f"{made.style.name}: {result.numbers:,} coefficients, {style_bytes / 1e3:.0f} kB; "
        f"write {trigger!r} in prompts",
    ]
    return Answer(content, lines)
