"""The command line: `python -m eigenlorax`. Thin: it asks the studio and prints."""

import typer

from eigenlorax import __version__
from eigenlorax.cli import calibrating, compressing, demo, exporting, growing, looking

app = typer.Typer(
    help="EigenLoRAx Studio without a page.", no_args_is_help=True, pretty_exceptions_enable=False
)


@app.callback()
def _main() -> None:
    """EigenLoRAx Studio: a collection of SDXL LoRAs as one shared subspace."""


@app.command()
def version() -> None:
    """Print the program's version."""
    typer.echo(__version__)


for _command in (
    demo.demo,
    looking.inspect,
    looking.report,
    compressing.compress,
    calibrating.calibrate,
    growing.add,
    growing.remove,
    growing.merge,
    growing.refit,
    growing.migrate,
    growing.augment,
    growing.versions,
    growing.use,
    exporting.export,
):
    app.command()(_command)
