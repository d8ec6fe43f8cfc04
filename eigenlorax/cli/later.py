"""Commands that are imported when they are called, not when they are listed: most bring torch along."""

import ast
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import typer
from typer.core import TyperCommand
from typer.main import get_command

from eigenlorax.cli.answer import as_command

MARKUP: Final = "markdown"


class Later(TyperCommand):
    """Stands in a list for the command that its callback imports."""

    def make_context(self, *given: Any, **more: Any) -> Any:
        """Asked for when the command is about to run, or to tell its options: the command's own."""
        assert self.callback is not None
        return self.callback().make_context(*given, **more)


def add_later(group: typer.Typer, name: str, place: str, panel: str | None = None) -> None:
    """Add a command to a group.

    Args:
        group: That lists it.
        name: As typed.
        place: Its function, from this room on, such as "parts.library.listed".
        panel: Of the group's help.
    """
    module, _, function = place.rpartition(".")

    @group.command(name, cls=Later, help=_docstrings(module)[function], rich_help_panel=panel)
    def command() -> Any:
        alone = typer.Typer(rich_markup_mode=MARKUP, add_completion=False)
        alone.command()(as_command(getattr(import_module(f"{__package__}.{module}"), function)))
        return get_command(alone)


@cache
def _docstrings(module: str) -> Mapping[str, str]:
    """What the functions of a module say of themselves, read from its source."""
    source = Path(__file__).parent / f"{module.replace('.', '/')}.py"
    functions = (node for node in ast.parse(source.read_bytes()).body if isinstance(node, ast.FunctionDef))
    return {node.name: ast.get_docstring(node) or "" for node in functions}
