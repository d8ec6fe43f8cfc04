"""The page can do nothing that the command line cannot: every use case that it calls, a command calls too."""

import ast
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from eigenlorax.blending.desk import BlendDesk
from eigenlorax.collection import Collection
from eigenlorax.export.cards import CardDesk
from eigenlorax.export.desk import ExportDesk
from eigenlorax.jobs.server import JobServer
from eigenlorax.outputs.outputs import Outputs
from eigenlorax.outputs.trash import Trash
from eigenlorax.studio import Studio
from eigenlorax.subspaces.desk import SubspaceDesk
from eigenlorax.subspaces.estimate import EstimateDesk
from eigenlorax.subspaces.growth import GrowthDesk
from eigenlorax.subspaces.spectrum import SpectrumDesk

ROOT = Path(__file__).parent.parent.parent
#: Who offers use cases -> what variables and attributes of that kind are called.
DESKS: Mapping[type, frozenset[str]] = {
    Studio: frozenset({"studio", "opened"}),
    Collection: frozenset({"collection", "desk"}),
    BlendDesk: frozenset({"blending", "desk"}),
    GrowthDesk: frozenset({"growth", "desk"}),
    SubspaceDesk: frozenset({"subspaces", "desk"}),
    ExportDesk: frozenset({"exports", "desk"}),
    CardDesk: frozenset({"cards", "desk"}),
    EstimateDesk: frozenset({"estimates", "desk"}),
    SpectrumDesk: frozenset({"spectra", "desk"}),
    Outputs: frozenset({"outputs", "Outputs"}),
    Trash: frozenset({"trash", "Trash"}),
    JobServer: frozenset({"jobs", "server"}),
}
#: Rooms whose functions are use cases themselves.
USE_CASES = (
    "cases",
    "sheets",
    "prompting",
    "outputs",
    "blending",
    "library.animation",
)
#: What the page needs because it is a page, and why a command does not.
OF_A_PAGE = {
    "JobServer.submit": "a command does the work itself, in its own process",
    "JobServer.changed": "what a page polls",
    "EstimateDesk.known": "what can be told without waiting; a command waits",
    "SpectrumDesk.known": "what can be told without waiting; a command waits",
    "Outputs.stamp": "when to list again",
    "Outputs.thumbnail": "pictures in small, for the grid",
    "Outputs.path_of": "from a name in the grid to the file; a command prints it",
    "BlendDesk.make": "a glimpse's; `generate` makes derived styles by itself",
    "ExportDesk.packed": "a folder as one file to download; a command writes the folder",
    "places": "where presets lie; the commands take it from the same room",
    "filled_each": "the commands fill through `tagged`",
    "literal": "what a form holds so that a recalled prompt is not filled again; a command fills none",
    "missing": "how many pictures a sheet still lacks, before it is drawn: a command draws it",
    "plan_of": "checks a sheet before it is queued: a command draws it",
    "title_of": "the job's title",
    "words_of": "a picture's words beside it",
}


def _public(desk: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(desk) if not name.startswith("_")}


def _holder(node: ast.expr) -> str:
    """What the thing is called whose attribute is asked: `studio.blending.map` -> blending."""
    if isinstance(node, ast.Call):
        return _holder(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            holder = _holder(node.value)
            for desk, names in DESKS.items():
                if holder in names and node.attr in _public(desk):
                    yield f"{desk.__name__}.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("eigenlorax."):
            room = (node.module or "").removeprefix("eigenlorax.")
            if any(room == case or room.startswith(f"{case}.") for case in USE_CASES):
                yield from (alias.name for alias in node.names if alias.name[:1].islower())


def _called(*folders: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for call in _calls(path):
                found.setdefault(call, path.name)
    return found


BY_THE_PAGE = _called("ui", "eigenlorax/jobs")
BY_COMMANDS = _called("eigenlorax/cli")


def test_the_page_is_seen() -> None:
    assert {
        "Studio.generate",
        "BlendDesk.balance",
        "Trash.undo",
        "keep_preset",
        "JobServer.cancel",
    } <= BY_THE_PAGE.keys()
    assert len(BY_THE_PAGE) > 50


@pytest.mark.parametrize("call", sorted(BY_THE_PAGE.keys() - OF_A_PAGE.keys()))
def test_a_command_does_it_too(call: str) -> None:
    assert call in BY_COMMANDS, f"{BY_THE_PAGE[call]} asks for {call}: give it a command in eigenlorax/cli"


def test_exceptions_are_needed() -> None:
    assert OF_A_PAGE.keys() <= BY_THE_PAGE.keys() - BY_COMMANDS.keys()
