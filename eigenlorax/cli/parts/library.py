"""`eigenlorax library`: the LoRAs, their facts, and the folders that are used in place."""

from pathlib import Path
from typing import Annotated

import typer

from eigenlorax.cli.answer import REFUSED, Answer, table
from eigenlorax.cli.common import opened
from eigenlorax.cli.options import DEFAULT_MODEL, DataDir, Model
from eigenlorax.errors import InvalidRequestError
from eigenlorax.library.listing import as_json


def listed(data_dir: DataDir, model: Model = DEFAULT_MODEL) -> Answer:
    """List every LoRA, the library's own and those in place, usable or not."""
    entries = opened(model, data_dir).entries()
    rows = [
        (
            one.report.verdict.value,
            one.report.name,
            one.report.rank_text,
            "yes" if one.style else "",
            one.report.reason,
        )
        for one in entries
    ]
    content = [
        {**as_json(one.report), "is_style": one.style is not None, "note": one.note} for one in entries
    ]
    lines = (
        table(("verdict", "name", "rank", "style", "reason"), rows) if rows else ["no LoRA yet: import some"]
    )
    return Answer(content, lines)


def take(
    files: Annotated[
        list[Path], typer.Argument(help="LoRA files, folders, zips, PEFT folders, bundles, cards.")
    ],
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Copy LoRAs into the library; a bad file is named and stops none of the others."""
    if absent := [path for path in files if not path.exists()]:
        raise InvalidRequestError(f"there is no file or folder at {absent[0]}")
    taken = opened(model, data_dir).import_paths(files)
    content = [
        {"name": one.name, "verdict": one.report.verdict, "reason": one.report.reason, "note": one.note}
        for one in taken
    ]
    rows = [(one.report.verdict.value, one.name, one.report.reason or one.note) for one in taken]
    usable = any(one.report.usable for one in taken)
    return Answer(
        content,
        table(("verdict", "name", ""), rows) if rows else ["nothing was found"],
        0 if usable else REFUSED,
    )


def facts(
    name: Annotated[str, typer.Argument(help="A LoRA of the library.")],
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Tell everything that a LoRA's header and the notes beside it say."""
    found = opened(model, data_dir).collection.facts(name)
    return Answer(dict(found), [f"{label:<19} {words}" for label, words in found])


def duplicates(data_dir: DataDir, model: Model = DEFAULT_MODEL) -> Answer:
    """List LoRAs that hold the same weights under several names."""
    found = opened(model, data_dir).collection.duplicates()
    return Answer(found, [", ".join(names) for names in found] or ["every LoRA is there once"])


def folders(data_dir: DataDir, model: Model = DEFAULT_MODEL) -> Answer:
    """List the folders that are used in place; `scan FOLDER` adds one, `scan FOLDER --forget` leaves it."""
    found = opened(model, data_dir).collection.folders()
    rows = [(one.kind, str(one.root), one.loras, one.foreign) for one in found]
    lines = table(("kind", "folder", "LoRAs", "other files"), rows) if rows else ["none yet: scan one"]
    return Answer(found, lines)
