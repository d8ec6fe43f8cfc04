"""The command line: `eigenlorax`, or `python -m eigenlorax`. Thin: it asks the studio and prints."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import typer

from eigenlorax.cli import (
    benching,
    calibrating,
    carding,
    compressing,
    demo,
    doctoring,
    exporting,
    generating,
    growing,
    looking,
    recalling,
    scanning,
    serving,
    sheeting,
    training,
    verifying,
    version,
)
from eigenlorax.cli.answer import EXIT_CODES, Answer, as_command
from eigenlorax.cli.common import LOAD_OPTIONS
from eigenlorax.cli.parts import blend, library, pictures, prompts, queue, styles
from eigenlorax.runtime.options import AUTO, LoadOptions, Mode, Placement, Precision, Prediction

Command = Callable[..., Answer | None]

app = typer.Typer(
    help="Many SDXL styles in one small subspace. Every command takes `--json`, and `--help` tells the rest.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
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
    """EigenLoRAx Studio: a collection of SDXL LoRAs as one shared subspace.

    The options here say how the model is loaded, and stand before the command's name. Every command takes
    `--json`, which prints one document instead of words, and `--help`.
    """
    LOAD_OPTIONS.set(LoadOptions(precision, vae, not no_half_vae, placement, prediction, offline, engine))


COMMANDS: Mapping[str, Sequence[Command]] = {
    "Draw": (generating.generate, generating.morph, generating.compare, sheeting.sheet, recalling.recall),
    "Collect": (scanning.scan, looking.inspect, looking.report),
    "Compress": (
        compressing.compress,
        compressing.estimate,
        compressing.spectrum,
        growing.add,
        growing.remove,
        growing.refit,
        growing.merge,
        growing.migrate,
        growing.augment,
        growing.versions,
        growing.use,
    ),
    "Teach": (training.train, calibrating.calibrate),
    "Share": (exporting.export, carding.card, carding.take),
    "Look after": (verifying.verify, doctoring.doctor, benching.bench, demo.demo, version.version),
}
"""Panel of the help -> the commands in it."""

GROUPS: Mapping[str, tuple[str, Mapping[str, Command]]] = {
    "library": (
        "LoRAs: list, import, facts, duplicates, folders in place.",
        {
            "list": library.listed,
            "import": library.take,
            "facts": library.facts,
            "duplicates": library.duplicates,
            "folders": library.folders,
        },
    ),
    "styles": (
        "Styles: list, show, notes and favourites, covers.",
        {"list": styles.listed, "show": styles.show, "note": styles.note, "previews": styles.previews},
    ),
    "blend": (
        "Blends: balance, likeness, the map, new styles by chance.",
        {
            "check": blend.check,
            "balance": blend.balance,
            "scales": blend.scales,
            "like": blend.like,
            "copies": blend.copies,
            "map": blend.places,
            "directions": blend.directions,
            "made-of": blend.made_of,
            "keep": blend.keep,
        },
    ),
    "presets": (
        "Prompt presets: list, keep, take from A1111.",
        {"list": prompts.presets, "keep": prompts.keep, "take": prompts.take},
    ),
    "wildcards": (
        "Wildcards in prompts: list, fill.",
        {"list": prompts.wildcards, "fill": prompts.fill},
    ),
    "outputs": (
        "Pictures that were drawn: list, discard, undo, empty the trash.",
        {
            "list": pictures.listed,
            "discard": pictures.discard,
            "undo": pictures.undo,
            "empty": pictures.empty,
        },
    ),
    "jobs": (
        "The page's queue: list, show, cancel, pause, resume, move.",
        {
            "list": queue.listed,
            "show": queue.show,
            "cancel": queue.cancel,
            "pause": queue.pause,
            "resume": queue.resume,
            "move": queue.move,
        },
    ),
}
"""Group -> what it is about, and its commands by name."""

for _panel, _commands in COMMANDS.items():
    for _command in _commands:
        app.command(rich_help_panel=_panel)(as_command(_command))

# The page reads its own flags, `--help` and `--json` among them.
app.command(
    rich_help_panel="Look after",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)(serving.serve)

for _group, (_about, _members) in GROUPS.items():
    _part = typer.Typer(help=_about, no_args_is_help=True, rich_markup_mode="markdown")
    for _name, _member in _members.items():
        _part.command(_name)(as_command(_member))
    app.add_typer(_part, name=_group, rich_help_panel="Groups of commands")
