"""The command line: `eigenlorax`, or `python -m eigenlorax`. Thin: it asks the studio and prints."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from eigenlorax.cli.answer import EXIT_CODES
from eigenlorax.cli.later import MARKUP, add_later
from eigenlorax.cli.options import LOAD_OPTIONS
from eigenlorax.cli.serving import serve
from eigenlorax.runtime.options import AUTO, LoadOptions, Mode, Placement, Precision, Prediction

app = typer.Typer(
    help="Many SDXL styles in one small subspace. Every command takes `--json`, and `--help` tells the rest.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=MARKUP,
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


COMMANDS: Mapping[str, Sequence[str]] = {
    "Draw": (
        "generating.generate",
        "generating.morph",
        "generating.compare",
        "sheeting.sheet",
        "recalling.recall",
    ),
    "Collect": ("scanning.scan", "looking.inspect", "looking.report"),
    "Compress": (
        "compressing.compress",
        "compressing.estimate",
        "compressing.spectrum",
        "growing.add",
        "growing.remove",
        "growing.refit",
        "growing.merge",
        "growing.migrate",
        "growing.augment",
        "growing.versions",
        "growing.use",
    ),
    "Teach": ("training.train", "calibrating.calibrate"),
    "Share": ("exporting.export", "carding.card", "carding.take"),
    "Look after": (
        "verifying.verify",
        "doctoring.doctor",
        "benching.bench",
        "demo.demo",
        "version.version",
    ),
}
"""Panel of the help -> the commands in it: where each one's function lies, by whose name it is called."""

GROUPS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "library": (
        "LoRAs: list, import, facts, duplicates, folders in place.",
        {
            "list": "parts.library.listed",
            "import": "parts.library.take",
            "facts": "parts.library.facts",
            "duplicates": "parts.library.duplicates",
            "folders": "parts.library.folders",
        },
    ),
    "styles": (
        "Styles: list, show, notes and favourites, covers.",
        {
            "list": "parts.styles.listed",
            "show": "parts.styles.show",
            "note": "parts.styles.note",
            "previews": "parts.styles.previews",
        },
    ),
    "blend": (
        "Blends: balance, likeness, the map, new styles by chance.",
        {
            "check": "parts.blend.check",
            "balance": "parts.blend.balance",
            "scales": "parts.blend.scales",
            "like": "parts.blend.like",
            "copies": "parts.blend.copies",
            "map": "parts.blend.places",
            "directions": "parts.blend.directions",
            "made-of": "parts.blend.made_of",
            "keep": "parts.blend.keep",
        },
    ),
    "presets": (
        "Prompt presets: list, keep, take from A1111.",
        {"list": "parts.prompts.presets", "keep": "parts.prompts.keep", "take": "parts.prompts.take"},
    ),
    "wildcards": (
        "Wildcards in prompts: list, fill.",
        {"list": "parts.prompts.wildcards", "fill": "parts.prompts.fill"},
    ),
    "outputs": (
        "Pictures that were drawn: list, discard, undo, empty the trash.",
        {
            "list": "parts.pictures.listed",
            "discard": "parts.pictures.discard",
            "undo": "parts.pictures.undo",
            "empty": "parts.pictures.empty",
        },
    ),
    "jobs": (
        "The page's queue: list, show, cancel, pause, resume, move.",
        {
            "list": "parts.queue.listed",
            "show": "parts.queue.show",
            "cancel": "parts.queue.cancel",
            "pause": "parts.queue.pause",
            "resume": "parts.queue.resume",
            "move": "parts.queue.move",
        },
    ),
}
"""Group -> what it is about, and where its commands' functions lie, by name."""

for _panel, _places in COMMANDS.items():
    for _place in _places:
        add_later(app, _place.rpartition(".")[2], _place, _panel)

# The page reads its own flags, `--help` and `--json` among them.
app.command(
    rich_help_panel="Look after",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)(serve)

for _group, (_about, _members) in GROUPS.items():
    _part = typer.Typer(help=_about, no_args_is_help=True, rich_markup_mode=MARKUP)
    for _name, _place in _members.items():
        add_later(_part, _name, _place)
    app.add_typer(_part, name=_group, rich_help_panel="Groups of commands")
