"""The command that opens the page; its flags are the page's own, read in one place."""

import typer

from eigenlorax.cli.options import LOAD_OPTIONS
from eigenlorax.runtime.options import LoadOptions


def serve(context: typer.Context) -> None:
    """Open the page, as `python app.py` does, with the same flags; `serve --help` lists them."""
    if LOAD_OPTIONS.get() != LoadOptions():
        raise typer.BadParameter("the page's options stand behind `serve`: see `eigenlorax serve --help`")
    # The one place where the house's upper floor is called from below: the page is a program of its own.
    from ui.start import start

    raise typer.Exit(start(context.args, "eigenlorax serve"))
