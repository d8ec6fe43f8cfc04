"""The commands that only look: what LoRA files are, and what a collection shares."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from eigenlorax.census_case import census_of
from eigenlorax.cli.common import DEFAULT_MODEL, Model, errors_told, opened, reasons_told, watched
from eigenlorax.errors import InvalidRequestError
from eigenlorax.formats.facts import as_json, facts, relation_lines, relations_of
from eigenlorax.formats.report import Verdict
from eigenlorax.library.atomic import written_aside
from eigenlorax.picture_case import Looking


def inspect(
    files: Annotated[list[Path], typer.Argument(help="LoRA files, folders, zips, PEFT folders.")],
    model: Model = DEFAULT_MODEL,
    as_data: Annotated[bool, typer.Option("--json", help="Print JSON with every tensor's fate.")] = False,
) -> None:
    """Tell what LoRA files are, what would be used of them, and how they relate; nothing is changed."""
    with errors_told(), TemporaryDirectory(prefix="eigenlorax-inspect-") as scratch:
        inspected = opened(model, Path(scratch)).inspect_paths(files)
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


def report(
    out: Annotated[Path, typer.Option(help="HTML page to write.")],
    json_out: Annotated[Path | None, typer.Option("--json", help="JSON to write beside it.")] = None,
    model: Model = DEFAULT_MODEL,
    loras: Annotated[list[Path] | None, typer.Option(help="LoRAs to measure; repeat it for more.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Measure the library of this data folder.")] = None,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Draw styles beside their LoRAs, and the leading components.")
    ] = False,
    prompt: Annotated[list[str] | None, typer.Option(help="What to draw; repeat it.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="With which noise; repeat it.")] = None,
    steps: Annotated[int, typer.Option(help="Denoising steps of each picture.")] = Looking.steps,
) -> None:
    """Tell what LoRAs share, which stand alone and who carries the basis; by default of the demo's.

    With --data-dir the styles of its subspace are told of too. Without, --pictures compresses in a scratch
    folder first, so that there are styles to draw.
    """
    with errors_told():
        if loras and data_dir:
            raise InvalidRequestError("--loras and --data-dir name two collections: give one of them")
        with TemporaryDirectory(prefix="eigenlorax-report-") as scratch:
            studio = opened(model, data_dir or Path(scratch))
            imported = studio.import_paths(loras or [])
            reasons_told(imported)
            names = [one.report.name for one in imported if one.report.usable] if loras else None
            looking = _looking(prompt, seed, steps) if pictures else None
            if pictures and data_dir is None:
                watched("Compressing", studio.subspaces.compress(names))
            taken = watched("Measuring", census_of(studio, names, looking))
        for path, text in ((out, taken.html), (json_out, json.dumps(taken.json, indent=2) + "\n")):
            if path is not None:
                with written_aside(path) as aside:
                    aside.write_text(text, encoding="utf-8")
    typer.echo(f"{taken.words}\npage: {out}")


def _looking(prompts: list[str] | None, seeds: list[int] | None, steps: int) -> Looking:
    plain = Looking()
    return Looking(tuple(prompts or plain.prompts), tuple(seeds or plain.seeds), steps)
