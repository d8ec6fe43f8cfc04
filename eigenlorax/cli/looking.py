"""The commands that only look: what LoRA files are, and what a collection shares."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from eigenlorax.cases.census import census_of
from eigenlorax.cases.pictures import Looking
from eigenlorax.cli.answer import DONE, REFUSED, Answer
from eigenlorax.cli.common import opened, reasons, told
from eigenlorax.cli.options import DEFAULT_MODEL, Model
from eigenlorax.cli.progress import watched
from eigenlorax.errors import InvalidRequestError
from eigenlorax.formats.facts import as_json, facts, relation_lines, relations_of
from eigenlorax.formats.report import Verdict


def inspect(
    files: Annotated[list[Path], typer.Argument(help="LoRA files, folders, zips, PEFT folders.")],
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Tell what LoRA files are, what would be used of them, and how they relate; nothing is changed.

    With `--json`, of every tensor what becomes of it. A broken file ends it with exit code 1.
    """
    with TemporaryDirectory(prefix="eigenlorax-inspect-") as scratch:
        inspected = opened(model, Path(scratch)).inspect_paths(files)
    reports = [one.report for one in inspected]
    together = relation_lines(relations_of(reports))
    lines = []
    for one in inspected:
        lines += [one.name, *(f"  {label:<19} {words}" for label, words in facts(one.report))]
    lines += [f"Together: {line}" for line in together]
    broken = any(report.verdict is Verdict.BROKEN for report in reports)
    content = {"files": [as_json(report) for report in reports], "relations": together}
    return Answer(content, lines, REFUSED if broken else DONE)


def report(
    out: Annotated[Path, typer.Option(help="HTML page to write.")],
    model: Model = DEFAULT_MODEL,
    loras: Annotated[list[Path] | None, typer.Option(help="LoRAs to measure; repeat it for more.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Measure the library of this data folder.")] = None,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Draw styles beside their LoRAs, and the leading components.")
    ] = False,
    prompt: Annotated[list[str] | None, typer.Option(help="What to draw; repeat it.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="With which noise; repeat it.")] = None,
    steps: Annotated[int, typer.Option(help="Denoising steps of each picture.")] = Looking.steps,
) -> Answer:
    """Tell what LoRAs share, which stand alone and who carries the basis; by default of the demo's.

    With --data-dir the styles of its subspace are told of too. Without, --pictures compresses in a scratch
    folder first, so that there are styles to draw.
    """
    if loras and data_dir:
        raise InvalidRequestError("--loras and --data-dir name two collections: give one of them")
    with TemporaryDirectory(prefix="eigenlorax-report-") as scratch:
        studio = opened(model, data_dir or Path(scratch))
        imported = studio.import_paths(loras or [])
        names = [one.report.name for one in imported if one.report.usable] if loras else None
        looking = _looking(prompt, seed, steps) if pictures else None
        if pictures and data_dir is None:
            watched("Compressing", studio.subspaces.compress(names))
        taken = watched("Measuring", census_of(studio, names, looking))
    taken.write(out)
    content = {**taken.json, "page": str(out)}
    return Answer(content, [*told(reasons(imported)), taken.words, f"page: {out}"])


def _looking(prompts: list[str] | None, seeds: list[int] | None, steps: int) -> Looking:
    plain = Looking()
    return Looking(tuple(prompts or plain.prompts), tuple(seeds or plain.seeds), steps)
