"""`eigenlorax presets` and `eigenlorax wildcards`: what stands around prompts."""

from pathlib import Path
from typing import Annotated

import typer

from eigenlorax.cli.answer import Answer, table
from eigenlorax.cli.options import DataDir
from eigenlorax.errors import InvalidFileError
from eigenlorax.prompting.places import presets_file, wildcard_folder
from eigenlorax.prompting.presets import PromptPreset, keep_preset, read_presets, take_presets
from eigenlorax.prompting.wildcards import filled, has_wildcards, wildcard_names
from eigenlorax.recipe import seed_of


def presets(data_dir: DataDir) -> Answer:
    """List the prompt presets; `generate --preset NAME` uses one."""
    return _presets(read_presets(presets_file(data_dir.expanduser())))


def keep(
    name: Annotated[str, typer.Argument(help="What it is called; one of that name is replaced.")],
    data_dir: DataDir,
    prompt: Annotated[
        str, typer.Option(help="`{prompt}` is where yours goes; without it, it goes behind.")
    ] = "",
    negative: Annotated[str, typer.Option(help="The same for the negative prompt.")] = "",
) -> Answer:
    """Keep a prompt preset, in A1111's `styles.csv` in the data folder."""
    return _presets(keep_preset(presets_file(data_dir.expanduser()), PromptPreset(name, prompt, negative)))


def take(
    file: Annotated[Path, typer.Argument(help="A `styles.csv` of A1111 or its kin.")], data_dir: DataDir
) -> Answer:
    """Take in the presets of a file; those of a known name are replaced."""
    if not file.is_file():
        raise InvalidFileError(f"there is no file at {file}: choose A1111's styles.csv")
    return _presets(take_presets(presets_file(data_dir.expanduser()), read_presets(file)))


def wildcards(data_dir: DataDir) -> Answer:
    """List the wildcard files; `__name__` in a prompt becomes one of their lines."""
    folder = wildcard_folder(data_dir.expanduser())
    names = wildcard_names(folder)
    lines = [f"__{name}__" for name in names] or [f"none yet: put text files in {folder}"]
    return Answer({"folder": folder, "names": names}, lines)


def fill(
    prompt: Annotated[str, typer.Argument(help="With `__wildcards__` and `{choices|among|words}`.")],
    data_dir: DataDir,
    seed: Annotated[int, typer.Option(help="The picture's; -1 is a new one.")] = -1,
) -> Answer:
    """Print the prompt that a seed makes of wildcards and choices."""
    number = seed_of(seed)
    text = filled(prompt, number, wildcard_folder(data_dir.expanduser()))
    return Answer({"prompt": text, "seed": number, "changed": has_wildcards(prompt)}, [text])


def _presets(found: list[PromptPreset]) -> Answer:
    rows = [(one.name, one.prompt, one.negative) for one in found]
    return Answer(found, table(("preset", "prompt", "negative"), rows) if rows else ["none yet: keep one"])
