"""The command that checks a library."""

from typing import Annotated

import typer

from eigenlorax.cases.verify import verify as verified
from eigenlorax.cli.answer import DONE, REFUSED, Answer
from eigenlorax.cli.options import DataDir
from eigenlorax.cli.progress import watched


def verify(
    data_dir: DataDir,
    pictures: Annotated[bool, typer.Option("--pictures", help="Check what was drawn, too.")] = False,
) -> Answer:
    """Check every stored file: hashes, shapes, and that it comes back number for number; nothing is changed.

    What is damaged is named with what to do next, and ends it with exit code 1.
    """
    files = watched("Checking", verified(data_dir.expanduser(), pictures=pictures))
    damaged = [one for one in files if one.fault]
    lines = [line for one in damaged for line in (f"{one.path}: {one.fault}", f"  next: {one.remedy}")]
    kinds = {one.kind: sum(other.kind == one.kind for other in files) for one in files}
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "nothing is stored yet"
    size = sum(one.bytes for one in files)
    verdict = (
        f"{len(damaged)} of {len(files)} files are not as they should be" if damaged else "all are whole"
    )
    lines.append(f"{counts}: {size:,} bytes read; {verdict}")
    content = {"folder": data_dir, "whole": not damaged, "files": files}
    return Answer(content, lines, REFUSED if damaged else DONE)
