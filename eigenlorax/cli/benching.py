"""The command that measures this machine."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from eigenlorax.cases.bench import BenchRow, BenchWish, measure
from eigenlorax.cli.answer import Answer, table
from eigenlorax.cli.asking import Size, sides_of
from eigenlorax.cli.common import opened
from eigenlorax.cli.options import DEFAULT_MODEL, DataDir, Model
from eigenlorax.cli.progress import watched
from eigenlorax.studio import Studio

_DEMO_STYLES = 3


def bench(
    data_dir: DataDir,
    steps: Annotated[int, typer.Option(help="Denoising steps.")] = BenchWish.steps,
    size: Size = "",
    pictures: Annotated[int, typer.Option(help="Goes that are timed for each row.")] = BenchWish.pictures,
    batch: Annotated[int, typer.Option(help="Pictures at once.")] = BenchWish.batch,
    switches: Annotated[int, typer.Option(help="Changes of styles that are timed.")] = BenchWish.switches,
    demo: Annotated[
        bool, typer.Option("--demo", help="Compress a few of the model's LoRAs in a scratch folder first.")
    ] = False,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Measure pictures per second and changes of styles on this machine, with the engine that the page uses.

    With the styles of the data folder, or of `--demo`; without any, the bare model alone. Nothing is kept.
    """
    width, height = sides_of(size) if size else (0, 0)
    wish = BenchWish(width, height, steps, pictures, batch, switches)
    wish.check()
    if not demo:
        return _answer(opened(model, data_dir), wish)
    with TemporaryDirectory(prefix="eigenlorax-bench-") as scratch:
        studio = opened(model, Path(scratch))
        names = [entry.report.name for entry in studio.entries() if entry.report.usable][:_DEMO_STYLES]
        watched("Compressing", studio.subspaces.compress(names))
        return _answer(studio, wish)


def _answer(studio: Studio, wish: BenchWish) -> Answer:
    rows = watched("Measuring", measure(studio, wish))
    side = studio.base.native_size
    setting = (
        f"{studio.base.name} on {studio.hardware.name}, {wish.width or side}x{wish.height or side}, "
        f"{wish.steps} steps, {wish.batch} at once; medians of {wish.pictures} goes, {wish.switches} changes"
    )
    head = (
        "styles worn",
        "pictures/s",
        "steps/s",
        "s a go",
        "change of styles",
        "engine",
        "placement",
        "peak",
    )
    lines = [setting, *table(head, [_cells(row) for row in rows])]
    if len(rows) == 1:
        lines.append("no styles in this folder yet, so only the bare model was measured: try --demo")
    content = {"model": studio.base.name, "device": studio.hardware.name, "asked": wish, "rows": rows}
    return Answer(content, lines)


def _cells(row: BenchRow) -> tuple[str, ...]:
    return (
        str(len(row.styles)),
        f"{row.pictures_per_second:.3g}",
        f"{row.steps_per_second:.3g}",
        f"{row.seconds:.3g}",
        "-" if row.switch_ms is None else f"{row.switch_ms:.2f} ms",
        row.mode,
        row.placement,
        "-" if row.peak_bytes is None else f"{row.peak_bytes / 2**30:.2f} GB",
    )
