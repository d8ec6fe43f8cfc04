"""The command that looks at a folder of another program in place."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from eigenlorax.cli.common import DEFAULT_MODEL, DataDir, Model, errors_told, opened
from eigenlorax.events import drain
from eigenlorax.library.listing import as_json

_COLUMNS = (("verdict", 12), ("name", 40), ("base", 18), ("rank", 6))


def scan(
    folder: Annotated[Path, typer.Argument(help="Of A1111, ComfyUI, InvokeAI, SwarmUI, or any other.")],
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
    forget: Annotated[bool, typer.Option("--forget", help="Use the folder no longer.")] = False,
    as_data: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Use a folder of LoRAs in place from now on: headers are read, nothing in it is changed."""
    with errors_told():
        collection = opened(model, data_dir).collection
        known = {one.root for one in collection.folders()}
        root = folder.expanduser().resolve()
        if forget:
            collection.leave(root)
            typer.echo(f"{root} is no longer used; nothing in it was changed")
            return
        started = time.perf_counter()
        if root not in known:
            collection.look_in(folder)
        drain(collection.scan())
        found = [entry.report for entry in collection.entries() if entry.report.path.is_relative_to(root)]
        seconds = time.perf_counter() - started
        (place,) = [one for one in collection.folders() if one.root == root]
    if as_data:
        told = {
            "folder": str(root), "kind": place.kind, "seconds": seconds, "foreign": place.foreign,
            "troubles": list(place.troubles), "loras": [as_json(listing) for listing in found],
        }  # fmt: skip
        typer.echo(json.dumps(told, indent=2))
        return
    typer.echo("  ".join(f"{label:<{width}}" for label, width in _COLUMNS) + "  reason")
    for one in found:
        cells = (one.verdict.value, one.name, one.base, one.rank_text)
        line = "  ".join(f"{cell:<{width}}" for cell, (_, width) in zip(cells, _COLUMNS, strict=True))
        typer.echo(f"{line}  {one.reason}".rstrip())
    counts = Counter(one.verdict.value for one in found)
    words = ", ".join(f"{count} {verdict}" for verdict, count in counts.items()) or "no LoRA"
    typer.echo(f"{place.kind} at {root}: {words}; {place.foreign} other model files; {seconds:.2f} s")
    for trouble in place.troubles:
        typer.echo(f"passed over: {trouble}")
