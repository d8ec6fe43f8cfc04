"""The command line: `python -m eigenlorax`. Thin: it asks the studio and prints."""

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Protocol, TypeVar

import typer

from eigenlorax import __version__
from eigenlorax.census_case import census_of
from eigenlorax.errors import InvalidRequestError, StudioError
from eigenlorax.export.request import CheckpointExport, LoRAExport
from eigenlorax.formats.dialect import Dialect, Precision
from eigenlorax.formats.facts import as_json, facts, relation_lines, relations_of
from eigenlorax.formats.report import Verdict
from eigenlorax.library.atomic import written_aside
from eigenlorax.report.sheet import fidelity_table
from eigenlorax.showcase import Showcase, draw_showcase
from eigenlorax.studio import DEFAULT_RETAIN, DEMO_MODEL, Studio

Result = TypeVar("Result")


class Kind(StrEnum):
    """What an export writes."""

    LORA = "lora"
    BUNDLE = "bundle"
    CHECKPOINT = "checkpoint"


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
    retain: Annotated[float, typer.Option(help="Mean share of each LoRA's effect to keep.")] = DEFAULT_RETAIN,
) -> None:
    """Import, compress, and draw original LoRAs above their styles; nothing outside OUT is kept."""
    with _errors_told():
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="eigenlorax-demo-") as scratch:
            studio = Studio(model, Path(scratch))
            for imported in studio.import_paths([loras] if loras else []):
                if imported.report.reason:
                    typer.echo(f"{imported.name}: {imported.report.reason}")
            compressed = _watched("Compressing", studio.compress(retain=retain))
            names = list(compressed.styles)
            chosen = names if show_all else _spread(names, 6)
            showcase = _watched("Drawing", draw_showcase(studio, compressed, chosen))
        _write(out, showcase)
    for line in relation_lines(compressed.relations):
        typer.echo(line)
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
    with _errors_told(), TemporaryDirectory(prefix="eigenlorax-inspect-") as scratch:
        inspected = Studio(model, Path(scratch)).inspect_paths(files)
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


@app.command()
def report(
    out: Annotated[Path, typer.Option(help="HTML page to write.")],
    json_out: Annotated[Path | None, typer.Option("--json", help="JSON to write beside it.")] = None,
    model: Annotated[str, typer.Option(help="Folder, .safetensors file or hub id.")] = str(DEMO_MODEL),
    loras: Annotated[list[Path] | None, typer.Option(help="LoRAs to measure; repeat it for more.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Measure the library of this data folder.")] = None,
) -> None:
    """Tell what LoRAs share, which stand alone and who carries the basis; by default of the demo's."""
    with _errors_told():
        if loras and data_dir:
            raise InvalidRequestError("--loras and --data-dir name two collections: give one of them")
        with TemporaryDirectory(prefix="eigenlorax-report-") as scratch:
            studio = Studio(model, data_dir or Path(scratch))
            imported = studio.import_paths(loras or [])
            for one in imported:
                if one.report.reason:
                    typer.echo(f"{one.name}: {one.report.reason}")
            names = [one.report.name for one in imported if one.report.usable] if loras else None
            taken = _watched("Measuring", census_of(studio, names))
        for path, text in ((out, taken.html), (json_out, json.dumps(taken.json, indent=2) + "\n")):
            if path is not None:
                with written_aside(path) as aside:
                    aside.write_text(text, encoding="utf-8")
    typer.echo(f"{taken.words}\npage: {out}")


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="File to write; a folder for PEFT or a diffusers model.")],
    data_dir: Annotated[Path, typer.Option(help="The page's data folder, with a compressed collection.")],
    style: Annotated[list[str] | None, typer.Option(help="NAME=STRENGTH; repeat it to blend.")] = None,
    lora: Annotated[str, typer.Option(help="An original LoRA of the library instead of styles.")] = "",
    what: Annotated[Kind, typer.Option(help="What to write.")] = Kind.LORA,
    dialect: Annotated[Dialect, typer.Option("--format", help="Whose spelling.")] = Dialect.KOHYA_SGM,
    rank: Annotated[int | None, typer.Option(help="Largest rank of any module.")] = None,
    max_error: Annotated[float | None, typer.Option(help="Largest relative error instead.")] = None,
    precision: Annotated[Precision, typer.Option(help="Of every number.")] = Precision.FP16,
    model: Annotated[str, typer.Option(help="Folder, .safetensors file or hub id.")] = str(DEMO_MODEL),
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write styles, or a LoRA, as a LoRA in any dialect, a bundle, or a merged model; read back, compared."""
    with _errors_told():
        desk = Studio(model, data_dir).exports
        blend = _blend(style or [])
        if what is Kind.BUNDLE:
            typer.echo(f"{out}: {desk.bundle(list(blend) or None, out, replace=replace):,} bytes")
        elif what is Kind.CHECKPOINT:
            written = desk.checkpoint(CheckpointExport(out, blend, precision, replace=replace))
            typer.echo(f"{out}: {written.file_bytes:,} bytes, every weight compared")
        else:
            request = LoRAExport(
                out, blend, lora, rank, max_error, dialect=dialect, precision=precision, replace=replace
            )
            predicted = desk.predict(request)
            typer.echo(f"predicted: error {predicted.error:.3%}, {predicted.file_bytes:,} bytes")
            result = desk.lora(request)
            typer.echo(f"{out}: read back with error {result.error:.3%}, {result.file_bytes:,} bytes")
            for line in filter(None, [predicted.remark]):
                typer.echo(line)


@app.command()
def add(
    names: Annotated[list[str], typer.Argument(help="LoRAs of the library.")],
    data_dir: Annotated[Path, typer.Option(help="The page's data folder, with a compressed collection.")],
    model: Annotated[str, typer.Option(help="Folder, .safetensors file or hub id.")] = str(DEMO_MODEL),
    retain: Annotated[float, typer.Option(help="Share of each LoRA's effect to keep.")] = DEFAULT_RETAIN,
) -> None:
    """Bring LoRAs into the current subspace without a new fit; the other styles stay bit for bit."""
    with _errors_told():
        studio = Studio(model, data_dir)
        styles = [studio.add_style(name, retain) for name in names]
    typer.echo(fidelity_table(styles, studio.stored_bytes))


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="A style of the current subspace.")],
    data_dir: Annotated[Path, typer.Option(help="The page's data folder, with a compressed collection.")],
    model: Annotated[str, typer.Option(help="Folder, .safetensors file or hub id.")] = str(DEMO_MODEL),
) -> None:
    """Take a style out of the current subspace; its LoRA and the other styles stay."""
    with _errors_told():
        studio = Studio(model, data_dir)
        studio.remove_style(name)
    typer.echo(f"{name} is out; {len(studio.styles)} styles, {studio.stored_bytes:,} bytes")


def _blend(styles: list[str]) -> dict[str, float]:
    blend = {}
    for given in styles:
        name, _, strength = given.rpartition("=")
        try:
            blend[name or strength] = float(strength) if name else 1.0
        except ValueError as error:
            raise InvalidRequestError(f"{given!r} is no NAME=STRENGTH, such as neon=0.8") from error
    return blend


@contextmanager
def _errors_told() -> Iterator[None]:
    """An error of the input or of the disk ends the command with one line on stderr."""
    try:
        yield
    except (StudioError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


class _Counted(Protocol):
    """An event that counts."""

    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...


def _watched(label: str, events: Generator[_Counted, None, Result]) -> Result:
    """Run a generator of events to its end under a progress bar; gives its result."""
    with typer.progressbar(length=1, label=f"{label:<11}", show_pos=False) as bar:
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                result: Result = end.value
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
