"""The command that reads a picture's settings and draws it again."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from eigenlorax.cases.recall import Recalled, Restored, recall_file, recall_text, restored
from eigenlorax.cli.answer import Answer
from eigenlorax.cli.common import opened
from eigenlorax.cli.options import DEFAULT_MODEL, Model
from eigenlorax.cli.progress import watched
from eigenlorax.errors import InvalidRequestError


def recall(
    file: Annotated[Path, typer.Argument(help="A picture, or a text file of settings; - reads the input.")],
    data_dir: Annotated[
        Path | None, typer.Option(help="The page's data folder: says which styles are missing there.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Draw it again; needs --data-dir.")] = False,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Print what a picture of this or another program was drawn with; draw it again with the styles here."""
    if again and data_dir is None:
        raise InvalidRequestError("--again needs --data-dir, the folder with the styles to draw with")
    told = recall_text(sys.stdin.read()) if str(file) == "-" else recall_file(file)
    content: dict[str, Any] = {"recalled": told}
    lines = list(_lines(told))
    if data_dir is not None:
        studio = opened(model, data_dir)
        found = restored(studio, told)
        missing = [one.name for one in found.missing]
        content |= {"request": found.request, "words": found.words, "missing": missing}
        lines += _matched(found)
        if again:
            path = watched("Drawing", studio.generate(found.request)).path
            content["path"] = path
            lines.append(f"picture: {path}")
    return Answer(content, lines)


def _lines(told: Recalled) -> list[str]:
    loras = ", ".join(
        f"{lora.name} {lora.strength:g}" + (f" ({lora.hash[:12]})" if lora.hash else "")
        for lora in told.loras
    )
    settings = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in _plain(told).items())
    named = {
        "written by": told.source,
        "prompt": told.prompt,
        "negative": told.negative,
        "settings": settings,
        "LoRAs": loras,
        "model": " ".join(filter(None, (told.model, told.model_hash and f"({told.model_hash[:10]})"))),
        "not read": ", ".join(told.unread),
    }
    return [f"{key}: {value}" for key, value in named.items() if value]


def _plain(told: Recalled) -> dict[str, object]:
    """The settings in one row, those of the second pass among them."""
    found = told.settings.told
    if told.settings.hires is not None:
        found.pop("hires")
        inner = asdict(told.settings.hires)
        found |= {f"hires {key}": value for key, value in inner.items() if value not in (None, "")}
    return found


def _matched(found: Restored) -> list[str]:
    worn = ", ".join(f"{name} {strength:g}" for name, strength in found.request.styles.items())
    return [*([f"styles here: {worn}"] if worn else []), *(f"note: {words}" for words in found.words)]
