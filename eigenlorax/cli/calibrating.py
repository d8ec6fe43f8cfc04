"""The command that lets styles learn from the LoRAs they came from."""

from typing import Annotated

import typer

from eigenlorax.cli.answer import Answer
from eigenlorax.cli.common import opened, told
from eigenlorax.cli.options import DEFAULT_MODEL, DataDir, Model
from eigenlorax.cli.progress import watched
from eigenlorax.report.sheet import fidelity_table
from eigenlorax.training.calibrate import CalibrationSettings


def calibrate(
    data_dir: DataDir,
    name: Annotated[list[str] | None, typer.Option(help="A style, repeat it; by default all.")] = None,
    steps: Annotated[int, typer.Option(help="Optimiser steps.")] = CalibrationSettings.steps,
    rows: Annotated[int, typer.Option(help="Rows of a batch for each style.")] = CalibrationSettings.rows,
    rate: Annotated[float, typer.Option(help="Learning rate, whitened.")] = CalibrationSettings.rate,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = CalibrationSettings.seed,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Let styles learn to predict what their LoRAs predict; a call that was stopped goes on where it was.

    No pictures are needed: the original LoRA is the teacher. Shared columns stay as they are.
    """
    studio = opened(model, data_dir)
    settings = CalibrationSettings(steps=steps, rows=rows, rate=rate, seed=seed)
    result = watched("Calibrating", studio.growth.calibrate(name, settings))
    lines = [
        *told(dict(result.skipped)),
        f"{'style':24} distance to its LoRA's predictions, before and after (1: as far as no style)",
        *(f"{style:24} {before:.3f}  {after:.3f}" for style, (before, after) in result.distances.items()),
        fidelity_table([studio.styles[style] for style in result.distances], studio.stored_bytes),
    ]
    distances = {style: {"before": b, "after": a} for style, (b, a) in result.distances.items()}
    return Answer({"distances": distances, "skipped": result.skipped}, lines)
