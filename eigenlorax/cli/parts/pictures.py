"""`eigenlorax outputs`: the pictures that were drawn, and the trash."""

from typing import Annotated

import typer

from eigenlorax.cli.answer import Answer, table
from eigenlorax.cli.options import DataDir
from eigenlorax.errors import InvalidRequestError
from eigenlorax.outputs.outputs import Outputs, styles_in
from eigenlorax.outputs.trash import Trash

_LETTERS = 60


def listed(
    data_dir: DataDir,
    search: Annotated[str, typer.Option(help="Words that must be in prompt, styles or file name.")] = "",
    style: Annotated[str, typer.Option(help="A style that was worn.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many, the newest.", min=1)] = 50,
) -> Answer:
    """List pictures that were drawn, the newest first."""
    outputs = Outputs(data_dir.expanduser())
    found = outputs.pictures(search, style)
    rows = [(one.key, f"{one.bytes:,}", one.words.prompt[:_LETTERS]) for one in found[:limit]]
    more = f"and {len(found) - limit} more: raise --limit" if len(found) > limit else ""
    content = {
        "folder": outputs.folder,
        "pictures": [{**vars(one), "words": vars(one.words)} for one in found[:limit]],
        "found": len(found),
        "styles": styles_in(found),
    }
    return Answer(content, [*(table(("picture", "bytes", "prompt"), rows) if rows else ["no picture"]), more])


def discard(
    pictures: Annotated[list[str], typer.Argument(help="As `outputs list` names them.")], data_dir: DataDir
) -> Answer:
    """Move pictures to the trash; `outputs undo` brings them back."""
    outputs = Outputs(data_dir.expanduser())
    count = Trash(outputs, data_dir.expanduser()).discard(pictures)
    return Answer({"discarded": count}, [f"{count} moved to the trash"])


def empty(
    data_dir: DataDir,
    yes: Annotated[bool, typer.Option("--yes", help="Delete them for good.")] = False,
) -> Answer:
    """Tell what lies in the trash; with `--yes` delete it for good."""
    root = data_dir.expanduser()
    trash = Trash(Outputs(root), root)
    held = trash.held()
    gone = trash.empty(held.last) if yes else 0
    done = "deleted for good" if yes else "in the trash: `--yes` deletes them for good"
    return Answer({**vars(held), "deleted": gone}, [f"{held.pictures} pictures, {held.bytes:,} bytes {done}"])


def undo(data_dir: DataDir) -> Answer:
    """Bring back what was moved to the trash last."""
    root = data_dir.expanduser()
    trash = Trash(Outputs(root), root)
    if not trash.last():
        raise InvalidRequestError("the trash is empty: nothing is to be brought back")
    keys = trash.undo()
    return Answer({"brought_back": keys}, [f"{key} is back" for key in keys])
