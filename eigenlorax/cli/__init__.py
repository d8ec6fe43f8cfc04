"""The command line: `python -m eigenlorax`. Thin: it asks the studio and prints."""

from typing import Annotated

import typer

from eigenlorax import __version__
from eigenlorax.cli import (
    calibrating,
    carding,
    compressing,
    demo,
    exporting,
    growing,
    looking,
    recalling,
    scanning,
    sheeting,
    training,
)
from eigenlorax.cli.common import LOAD_OPTIONS
from eigenlorax.runtime.options import AUTO, LoadOptions, Mode, Placement, Precision, Prediction

app = typer.Typer(
    help="EigenLoRAx Studio without a page.", no_args_is_help=True, pretty_exceptions_enable=False
)


@app.callback()
def _main(
    precision: Annotated[Precision, typer.Option(help="Format of the weights.")] = Precision.AUTO,
    vae: Annotated[str, typer.Option(help="Another VAE: .safetensors file, folder or hub id.")] = AUTO,
    no_half_vae: Annotated[bool, typer.Option("--no-half-vae", help="Keep the VAE in fp32.")] = False,
    placement: Annotated[Placement, typer.Option(help="Where the weights lie.")] = Placement.AUTO,
    prediction: Annotated[
        Prediction | None, typer.Option(help="What the model predicts, where it is not recognised.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Take hub models from the local cache only.")
    ] = False,
    engine: Annotated[Mode, typer.Option(help="How the UNet wears styles.")] = Mode.AUTO,
) -> None:
    """EigenLoRAx Studio: a collection of SDXL LoRAs as one shared subspace."""
    LOAD_OPTIONS.set(LoadOptions(precision, vae, not no_half_vae, placement, prediction, offline, engine))


@app.command()
def version() -> None:
    """Print the program's version."""
    typer.echo(__version__)


for _command in (
    demo.demo,
    looking.inspect,
    looking.report,
    scanning.scan,
    compressing.compress,
    calibrating.calibrate,
    training.train,
    growing.add,
    growing.remove,
    growing.merge,
    growing.refit,
    growing.migrate,
    growing.augment,
    growing.versions,
    growing.use,
    exporting.export,
    carding.card,
    carding.take,
    recalling.recall,
    sheeting.sheet,
):
    app.command()(_command)
