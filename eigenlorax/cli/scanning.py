"""The command that looks at a folder of another program in place."""

import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from eigenlorax.cli.answer import Answer, table
from eigenlorax.cli.common import opened
from eigenlorax.cli.options import DEFAULT_MODEL, DataDir, Model
from eigenlorax.cli.progress import watched
from eigenlorax.library.listing import as_json


def scan(
    folder: Annotated[Path, typer.Argument(help="Of A1111, ComfyUI, InvokeAI, SwarmUI, or any other.")],
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
    forget: Annotated[bool, typer.Option("--forget", help="Use the folder no longer.")] = False,
) -> Answer:
    """Use a folder of LoRAs in place from now on: headers are read, nothing in it is changed."""
    collection = opened(model, data_dir).collection
    known = {one.root for one in collection.folders()}
    root = folder.expanduser().resolve()
    if forget:
        collection.leave(root)
        return Answer({"forgotten": root}, [f"{root} is no longer used; nothing in it was changed"])
    started = time.perf_counter()
    if root not in known:
        collection.look_in(folder)
    watched("Scanning", collection.scan())
    found = [entry.report for entry in collection.entries() if entry.report.path.is_relative_to(root)]
    seconds = time.perf_counter() - started
    (place,) = [one for one in collection.folders() if one.root == root]
    counts = Counter(one.verdict.value for one in found)
    words = ", ".join(f"{count} {verdict}" for verdict, count in counts.items()) or "no LoRA"
    rows = [(one.verdict.value, one.name, one.base, one.rank_text, one.reason) for one in found]
    lines = [
        *table(("verdict", "name", "base", "rank", "reason"), rows),
        f"{place.kind} at {root}: {words}; {place.foreign} other model files; {seconds:.2f} s",
        *(f"passed over: {trouble}" for trouble in place.troubles),
    ]
    content = {
        "folder": root, "kind": place.kind, "seconds": seconds, "foreign": place.foreign,
        "troubles": place.troubles, "loras": [as_json(listing) for listing in found],
    }  # fmt: skip
    return Answer(content, lines)
