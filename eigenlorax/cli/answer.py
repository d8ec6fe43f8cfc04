"""How every command ends: an answer in lines or as one JSON document, and an exit code for scripts."""

import inspect
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, NoReturn

import typer

from eigenlorax.errors import StudioError
from eigenlorax.home import DATA_DIR, MODEL
from eigenlorax.jobs.asked import as_json

DONE, REFUSED, INTERRUPTED = 0, 1, 130
"""Exit codes; 2, for what cannot be understood, is typer's own."""
EXIT_CODES = (
    f"Exit codes: {DONE} done; {REFUSED} the input's or the disk's fault, in one line; 2 no such command or "
    f"option; {INTERRUPTED} stopped by Ctrl-C. Nothing is ever left half-written. "
    f"The variables {DATA_DIR} and {MODEL} stand for --data-dir and --model."
)

_NUMBER = re.compile(r"[-+]?[\d.,]+(%| [A-Za-z/]+)?|-")

AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of words.")]


@dataclass(frozen=True)
class Answer:
    """What a command has to say.

    Attributes:
        content: For `--json`: dataclasses, mappings, sequences, paths, enums and plain values.
        lines: For people; empty ones are left out.
        code: Exit code.
    """

    content: Any
    lines: Sequence[str] = ()
    code: int = DONE


def as_command(function: Callable[..., Answer | None]) -> Callable[..., None]:
    """A function as a command: with `--json`, with errors in one line, and with exit codes.

    Errors go to stderr; with `--json` they stand on stdout too, as `{"error": "..."}`, so that a script finds
    a document there in any case. None as the answer prints nothing.
    """
    signature = inspect.signature(function, eval_str=True)
    flag = inspect.Parameter("as_data", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=AsJSON)

    @wraps(function)
    def run(*, as_data: bool, **given: Any) -> None:
        try:
            answer = function(**given)
        except (StudioError, OSError) as error:
            _end(" ".join(str(error).split()), REFUSED, as_data)
        except KeyboardInterrupt:
            _end("stopped; nothing is half-written", INTERRUPTED, as_data)
        if answer is None:
            return
        lines = [_document(answer.content)] if as_data else filter(None, answer.lines)
        for line in lines:
            typer.echo(line)
        if answer.code != DONE:
            raise typer.Exit(answer.code)

    parameters = [*signature.parameters.values(), flag]
    annotations = {one.name: one.annotation for one in parameters}
    run.__dict__["__signature__"] = signature.replace(parameters=parameters, return_annotation=None)
    run.__annotations__ = {**annotations, "return": None}
    return run


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Rows under their head in columns as wide as they must be; columns of numbers stand to the right."""
    cells = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [bool(rows) and all(_is_number(row[place]) for row in rows) for place in range(len(head))]
    return [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in cells
    ]


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float) or _NUMBER.fullmatch(str(cell)) is not None


def _document(content: Any) -> str:
    return json.dumps(as_json(content), indent=2, ensure_ascii=False)


def _end(reason: str, code: int, as_data: bool) -> NoReturn:
    typer.echo(f"error: {reason}" if code == REFUSED else reason, err=True)
    if as_data:
        typer.echo(_document({"error": reason}))
    raise typer.Exit(code)
