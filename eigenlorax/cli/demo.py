"""The demonstration: the whole way from LoRA files to pictures, without a page."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from eigenlorax.cases.showcase import Showcase, draw_showcase
from eigenlorax.cli.answer import Answer
from eigenlorax.cli.common import figures, opened, reasons, told
from eigenlorax.cli.options import DEFAULT_MODEL, Model
from eigenlorax.cli.progress import watched
from eigenlorax.formats.facts import relation_lines
from eigenlorax.library.atomic import written_aside
from eigenlorax.report.sheet import fidelity_table
from eigenlorax.subspaces.wish import DEFAULT_RETAIN, Wish


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the contact sheet, the table and the JSON report.")],
    show_all: Annotated[bool, typer.Option("--all", help="Draw every style, not only six.")] = False,
    model: Model = DEFAULT_MODEL,
    loras: Annotated[Path | None, typer.Option(help="A folder of LoRAs to use beside the demo's.")] = None,
    retain: Annotated[float, typer.Option(help="Mean share of each LoRA's effect to keep.")] = DEFAULT_RETAIN,
) -> Answer:
    """Import, compress, and draw original LoRAs above their styles; nothing outside OUT is kept."""
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="eigenlorax-demo-") as scratch:
        studio = opened(model, Path(scratch))
        left_out = reasons(studio.import_paths([loras] if loras else []))
        compressed = watched("Compressing", studio.subspaces.compress(wish=Wish(retain=retain)))
        names = list(compressed.styles)
        chosen = names if show_all else _spread(names, 6)
        showcase = watched("Drawing", draw_showcase(studio, compressed, chosen))
    report = _write(out, showcase)
    lines = [
        *told(left_out),
        *relation_lines(compressed.relations),
        fidelity_table(list(compressed.styles.values()), compressed.stored_bytes),
        f"style switch {showcase.switch_ms:.1f} ms (median; putting a LoRA file in the same weights: "
        f"{showcase.load_ms:.1f} ms)",
        f"pictures: {out / 'contact-sheet.png'}",
    ]
    return Answer({**report, "sheet": out / "contact-sheet.png"}, lines)


def _spread(names: list[str], count: int) -> list[str]:
    """`count` names taken evenly from the whole list, so that the sheet shows its variety."""
    if len(names) <= count:
        return names
    return [names[index * len(names) // count] for index in range(count)]


def _write(out: Path, showcase: Showcase) -> dict[str, object]:
    with written_aside(out / "contact-sheet.png") as aside:
        showcase.sheet.save(aside)
    compressed = showcase.compressed
    report = {"switch_ms": showcase.switch_ms, "load_ms": showcase.load_ms, **figures(compressed)}
    with written_aside(out / "report.json") as aside:
        aside.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    with written_aside(out / "fidelity.txt") as aside:
        table = fidelity_table(list(compressed.styles.values()), compressed.stored_bytes)
        aside.write_text(table + "\n", encoding="utf-8")
    return report
