"""The command that draws a sheet."""

from typing import Annotated

import typer

from eigenlorax.cases.tagged import tagged
from eigenlorax.cli.answer import Answer
from eigenlorax.cli.common import blend_from, opened
from eigenlorax.cli.options import DEFAULT_MODEL, DataDir, Model
from eigenlorax.cli.progress import watched
from eigenlorax.errors import InvalidRequestError
from eigenlorax.recipe import AUTOMATIC, GenerationRequest
from eigenlorax.sheets.axes import Axis, AxisKind, axis
from eigenlorax.sheets.draw import draw_sheet
from eigenlorax.sheets.plan import SheetWish

_AXIS = "KIND=VALUE[;VALUE...], such as style=neon;chalk, strength=0.5,1 or seed=1-4."
_KINDS = {kind.name.lower(): kind for kind in AxisKind}


def sheet(
    prompt: Annotated[str, typer.Argument(help="What the pictures show; an axis prompt=... replaces it.")],
    data_dir: DataDir,
    columns: Annotated[str, typer.Option(help=_AXIS)],
    rows: Annotated[str, typer.Option(help=f"What changes downward: {_AXIS}")] = "",
    within: Annotated[str, typer.Option(help=f"What changes within each column: {_AXIS}")] = "",
    style: Annotated[list[str], typer.Option(help="NAME=STRENGTH worn throughout, repeat it.")] = [],  # noqa: B006
    negative: Annotated[str, typer.Option(help="What they should not show.")] = "",
    seed: Annotated[int, typer.Option(help="Starting noise.")] = 0,
    steps: Annotated[int, typer.Option(help="Denoising steps.")] = 20,
    guidance: Annotated[float, typer.Option(help="Classifier-free guidance scale.")] = 5.0,
    sampler: Annotated[str, typer.Option(help="By default the model's own.")] = "",
    schedule: Annotated[str, typer.Option(help="Of the steps.")] = AUTOMATIC,
    width: Annotated[int, typer.Option(help="Pixels; 0 is the model's own size.")] = 0,
    height: Annotated[int, typer.Option(help="Pixels; 0 is the model's own size.")] = 0,
    triggers: Annotated[
        bool, typer.Option("--triggers/--no-triggers", help="Add the styles' trigger words.")
    ] = True,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Draw one picture for each combination of settings, and all of them as one labelled sheet.

    Pictures that are drawn already are kept: after an interruption the same command goes on.
    """
    axes = [_axis(one) for one in (columns, rows, within)]
    if axes[0] is None:
        raise InvalidRequestError(f"--columns is empty: write {_AXIS}")
    studio = opened(model, data_dir)
    side = studio.base.native_size
    request = GenerationRequest(
        prompt, negative, seed, steps, guidance, width or side, height or side, blend_from(style),
        sampler, schedule,
    )  # fmt: skip
    request = tagged(studio, request, triggers=False)
    made = watched("Drawing", draw_sheet(studio, SheetWish(request, axes[0], axes[1], axes[2], triggers)))
    content = {"path": made.path, "cells": made.cells, "drawn": made.drawn, "kept": made.kept}
    return Answer(content, [str(made.path), f"{made.drawn} drawn, {made.kept} there already"])


def _axis(told: str) -> Axis | None:
    if not told.strip():
        return None
    name, equals, values = told.partition("=")
    kind = _KINDS.get(name.strip().lower())
    if kind is None or not equals:
        raise InvalidRequestError(f"{told!r} is no axis: write {_AXIS} Kinds: {', '.join(_KINDS)}")
    return axis(kind, values.split(";"))
