"""The commands that make new versions of the current subspace, and go back to old ones."""

import json
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from eigenlorax.cli.common import DEFAULT_MODEL, Counted, DataDir, Model, errors_told, opened, watched
from eigenlorax.events import drain
from eigenlorax.library.versions import Version
from eigenlorax.report.sheet import fidelity_table
from eigenlorax.studio import Studio
from eigenlorax.subspace.migrate import Migrated
from eigenlorax.subspaces.growth import Source
from eigenlorax.subspaces.wish import DEFAULT_RETAIN

AsJSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Retain = Annotated[float, typer.Option(help="Share of each LoRA's effect to keep.")]
KeepOfStyles = Annotated[float, typer.Option(help="Share of what each style is now to keep.")]
VersionName = Annotated[str, typer.Argument(help="A version, or the start of its name; see `versions`.")]
Result = TypeVar("Result")
_OF_STYLES = 0.99


def add(
    names: Annotated[list[str], typer.Argument(help="LoRAs of the library.")],
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
    retain: Retain = DEFAULT_RETAIN,
    as_data: AsJSON = False,
) -> None:
    """Bring LoRAs in without a new fit, by the fewest bytes; the other styles keep their coefficients."""
    with _open(model, data_dir) as studio:
        added = [studio.growth.add(name, retain) for name in names]
    advice = added[-1].advice
    told = {
        one.style.name: {
            **vars(one.decision),
            "way": one.decision.way.value,
            "words": one.decision.words,
            "fidelity": one.style.fidelity.told,
        }
        for one in added
    }
    lines = [one.decision.words[:1].upper() + one.decision.words[1:] for one in added]
    table = fidelity_table([studio.styles[name] for name in names], studio.stored_bytes)
    content = {"added": told, "advice": {**vars(advice), "words": advice.words}}
    _tell(studio, as_data, content, [*lines, table, advice.words])


def remove(
    name: Annotated[str, typer.Argument(help="A style of the current subspace.")],
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
    as_data: AsJSON = False,
) -> None:
    """Take a style out of the current subspace; its LoRA and the other styles stay."""
    with _open(model, data_dir) as studio:
        studio.growth.remove(name)
    _tell(studio, as_data, {"removed": name}, [f"{name} is out; {_size(studio)}"])


def merge(
    other: Annotated[str, typer.Argument(help="A bundle, or the name of another version.")],
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
    retain: KeepOfStyles = _OF_STYLES,
    as_data: AsJSON = False,
) -> None:
    """Make one subspace of the current one and another; every style of both comes along."""
    with _open(model, data_dir) as studio:
        merged = _done("Merging", studio.growth.merge(other, retain), as_data)
    content = {"moved": _moved(merged.moved), "notice": merged.notice}
    _tell(studio, as_data, content, [*_moves(merged.moved), merged.notice, _size(studio)])


def refit(
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
    retain: Retain = DEFAULT_RETAIN,
    as_data: AsJSON = False,
) -> None:
    """Fit the bases anew to the LoRAs that the styles came from; a style without its LoRA is moved."""
    with _open(model, data_dir) as studio:
        refitted = _done("Refitting", studio.growth.refit(retain), as_data)
    content = {
        "fitted": {name: style.fidelity.told for name, style in refitted.fitted.items()},
        "moved": _moved(refitted.moved),
        "bytes_before": refitted.bytes_before,
        "bytes_after": refitted.bytes_after,
    }
    table = fidelity_table(list(studio.styles.values()), studio.stored_bytes)
    _tell(studio, as_data, content, [*_moves(refitted.moved), refitted.words, table])


def migrate(
    version: VersionName,
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
    retain: KeepOfStyles = _OF_STYLES,
    as_data: AsJSON = False,
) -> None:
    """Bring every style of the current subspace into the bases of another version."""
    with _open(model, data_dir) as studio:
        moved = _done("Migrating", studio.growth.migrate(version, retain), as_data)
    _tell(studio, as_data, {"moved": _moved(moved)}, [*_moves(moved), _size(studio)])


def augment(
    count: Annotated[int, typer.Argument(help="Columns that every module shall have on both sides.")],
    data_dir: DataDir,
    source: Annotated[Source, typer.Option("--from", help="Where new columns come from.")] = Source.GAUSSIAN,
    seed: Annotated[int, typer.Option(help="Of their random numbers.")] = 0,
    model: Model = DEFAULT_MODEL,
    as_data: AsJSON = False,
) -> None:
    """Add orthogonal columns where a module has few, for styles to be taught in; styles stay as they are."""
    with _open(model, data_dir) as studio:
        augmented = _done("Augmenting", studio.growth.augment(count, source, seed), as_data)
    sizes = f"{augmented.bytes_before:,} bytes have become {augmented.bytes_after:,}"
    _tell(studio, as_data, vars(augmented), [f"{augmented.columns} columns added: {sizes}"])


def versions(data_dir: DataDir, model: Model = DEFAULT_MODEL, as_data: AsJSON = False) -> None:
    """List the versions that are kept, the newest first; * marks the current one."""
    with _open(model, data_dir) as studio:
        listed = studio.growth.versions()
    if as_data:
        typer.echo(json.dumps([_version(one) for one in listed], indent=2))
        return
    for line in [one.words for one in listed] or ["none yet: compress some LoRAs first"]:
        typer.echo(line)


def use(
    version: VersionName,
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
    as_data: AsJSON = False,
) -> None:
    """Go back, or forth, to a version; no version is changed or lost."""
    with _open(model, data_dir) as studio:
        used = studio.growth.use(version)
    size = f"{len(used.styles)} styles, {used.file_bytes:,} bytes"
    _tell(studio, as_data, _version(used), [f"{used.name} is the current version: {size}"])


@contextmanager
def _open(model: str, data_dir: Path) -> Iterator[Studio]:
    """The studio of a data folder; an error while it opens or works ends the command with one line."""
    with errors_told():
        yield opened(model, data_dir)


def _done(label: str, work: Generator[Counted, None, Result], as_data: bool) -> Result:
    """The result of long work, under a progress bar unless JSON is printed."""
    return drain(work) if as_data else watched(label, work)


def _tell(studio: Studio, as_data: bool, content: Mapping[str, Any], lines: Iterable[str]) -> None:
    """What a command has done: as JSON with the styles there are now, or in lines, empty ones left out."""
    if as_data:
        after = {"styles": sorted(studio.styles), "stored_bytes": studio.stored_bytes}
        lines = [json.dumps({**content, **after}, indent=2)]
    for line in filter(None, lines):
        typer.echo(line)


def _size(studio: Studio) -> str:
    return f"{len(studio.styles)} styles, {studio.stored_bytes:,} bytes"


def _version(version: Version) -> dict[str, Any]:
    return {**vars(version), "saved": version.saved.isoformat()}


def _moves(moved: Mapping[str, Migrated]) -> list[str]:
    return [one.words for one in moved.values()]


def _moved(moved: Mapping[str, Migrated]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "moved_error": one.moved_error,
            "original_error": one.original_error,
            "fidelity": one.style.fidelity.told,
        }
        for name, one in moved.items()
    }
