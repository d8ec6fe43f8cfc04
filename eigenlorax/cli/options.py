"""The options that commands share. Imports nothing heavy, so that what needs no model is instant."""

from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

import typer

from eigenlorax.home import DATA_DIR, DEMO_MODEL, MODEL, data_home
from eigenlorax.runtime.options import LoadOptions

DEFAULT_MODEL = str(DEMO_MODEL)

Model = Annotated[
    str,
    typer.Option(
        envvar=MODEL,
        show_envvar=False,
        help="SDXL folder, .safetensors file or hub id.",
        show_default="the demo model",
    ),
]
DataDir = Annotated[
    Path,
    typer.Option(
        default_factory=data_home,
        envvar=DATA_DIR,
        show_envvar=False,
        help="Where LoRAs, styles and pictures are kept.",
        show_default="as the page",
    ),
]
LOAD_OPTIONS: ContextVar[LoadOptions] = ContextVar("LOAD_OPTIONS", default=LoadOptions())  # noqa: B039  # frozen
"""What stood before the command's name."""
