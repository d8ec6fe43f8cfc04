"""The command line: `python -m eigenlorax`. Thin: it asks the studio and prints."""

import json
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from eigenlorax import __version__
from eigenlorax.errors import StudioError
from eigenlorax.formats.facts import as_json, facts, relation_lines, relations_of
from eigenlorax.formats.report import Verdict
from eigenlorax.library.atomic import written_aside
from eigenlorax.report import fidelity_table
from eigenlorax.showcase import Drawn, Showcase, draw_showcase
from eigenlorax.studio import DEFAULT_RETAIN, DEMO_MODEL, Compressed, Studio
from eigenlorax.subspace.fit import FitProgress

app = typer.Typer(
    help="EigenLoRAx Studio without a page.", no_args_is_help=True, pretty_exceptions_enable=False
)


@app.callback()
def _main() -> None:
    """EigenLoRAx Studio: a collection of SDXL LoRAs as one shared subspace."""


@app.command()
def version() -> None:
    """Print the program's version."""
    typer.echo(__version__)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the contact sheet, the table and the JSON report.")],
    show_all: Annotated[bool, typer.Option("--all", help="Draw every style, not only six.")] = False,
    model: Annotated[str, typer.Option(help="Folder, .safetensors file or hub id.")] = str(DEMO_MODEL),
    loras: Annotated[Path | None, typer.Option(help="A folder of LoRAs to use beside the demo's.")] = None,
    retain: Annotated[float, typer.Option(help="Share of weight energy each basis keeps.")] = DEFAULT_RETAIN,
) -> None:
    """Import, compress, and draw original LoRAs above their styles; nothing outside OUT is kept."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="eigenlorax-demo-") as scratch:
            studio = Studio(model, Path(scratch))
            for imported in studio.import_paths([loras] if loras else []):
                if imported.report.reason:
                    typer.echo(f"{imported.name}: {imported.report.reason}")
            compressed = _compress(studio, retain)
            names = list(compressed.styles)
            chosen = names if show_all else _spread(names, 6)
            showcase = _draw(studio, compressed, chosen)
    except (StudioError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    _write(out, showcase)
    typer.echo(fidelity_table(list(compressed.styles.values()), compressed.stored_bytes))
    typer.echo(
        f"style switch {showcase.switch_ms:.1f} ms (median; putting a LoRA file in the same weights: "
        f"{showcase.load_ms:.1f} ms)\npictures: {out / 'contact-sheet.png'}"
    )


@app.command()
def inspect(
    files: Annotated[list[Path], typer.Argument(help="LoRA files, folders, zips, PEFT folders.")],
    model: Annotated[str, typer.Option(help="Folder, .safetensors file or hub id.")] = str(DEMO_MODEL),
    as_data: Annotated[bool, typer.Option("--json", help="Print JSON with every tensor's fate.")] = False,
) -> None:
    """Tell what LoRA files are, what would be used of them, and how they relate; nothing is changed."""
    try:
        with TemporaryDirectory(prefix="eigenlorax-inspect-") as scratch:
            inspected = Studio(model, Path(scratch)).inspect_paths(files)
    except StudioError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    reports = [one.report for one in inspected]
    lines = relation_lines(relations_of(reports))
    if as_data:
        content = {"files": [as_json(report) for report in reports], "relations": lines}
        typer.echo(json.dumps(content, indent=2))
    else:
        for one in inspected:
            typer.echo(one.name)
            for label, words in facts(one.report):
                typer.echo(f"  {label:<19} {words}")
        for line in lines:
            typer.echo(f"Together: {line}")
    if any(report.verdict is Verdict.BROKEN for report in reports):
        raise typer.Exit(1)


def _compress(studio: Studio, retain: float) -> Compressed:
    events = studio.compress(retain=retain)
    with typer.progressbar(length=1, label="Compressing", show_pos=False) as bar:
        while True:
            try:
                event: FitProgress = next(events)
            except StopIteration as end:
                result: Compressed = end.value
                return result
            bar.length = event.total
            bar.update(1)


def _draw(studio: Studio, compressed: Compressed, names: list[str]) -> Showcase:
    events = draw_showcase(studio, compressed, names)
    with typer.progressbar(length=1, label="Drawing    ") as bar:
        while True:
            try:
                event: Drawn = next(events)
            except StopIteration as end:
                result: Showcase = end.value
                return result
            bar.length = event.total
            bar.update(1)


def _spread(names: list[str], count: int) -> list[str]:
    """`count` names taken evenly from the whole list, so that the sheet shows its variety."""
    if len(names) <= count:
        return names
    return [names[index * len(names) // count] for index in range(count)]


def _write(out: Path, showcase: Showcase) -> None:
    with written_aside(out / "contact-sheet.png") as aside:
        showcase.sheet.save(aside)
    styles = showcase.compressed.styles
    report = {
        "original_bytes": showcase.compressed.original_bytes,
        "stored_bytes": showcase.compressed.stored_bytes,
        "switch_ms": showcase.switch_ms,
        "load_ms": showcase.load_ms,
        "styles": {
            name: {**asdict(s.fidelity), "verdict": s.fidelity.verdict.value} for name, s in styles.items()
        },
    }
    with written_aside(out / "report.json") as aside:
        aside.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    with written_aside(out / "fidelity.txt") as aside:
        table = fidelity_table(list(styles.values()), showcase.compressed.stored_bytes)
        aside.write_text(table + "\n", encoding="utf-8")
