"""The commands that make new versions of the current subspace, and go back to old ones."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from eigenlorax.cli.common import DEFAULT_MODEL, DataDir, Model, errors_told, opened, watched
from eigenlorax.events import drain
from eigenlorax.report.sheet import fidelity_table
from eigenlorax.studio import Studio
from eigenlorax.subspace.migrate import Migrated
from eigenlorax.subspaces.growth import Source
from eigenlorax.subspaces.wish import DEFAULT_RETAIN

AsJSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Retain = Annotated[float, typer.Option(help="Share of each LoRA's effect to keep.")]
KeepOfStyles = Annotated[float, typer.Option(help="Share of what each style is now to keep.")]
_OF_STYLES = 0.99


def add(
    names: Annotated[list[str], typer.Argument(help="LoRAs of the library.")],
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
    retain: Retain = DEFAULT_RETAIN,
    as_data: AsJSON = False,
) -> None:
    """Bring LoRAs in without a new fit, by the fewest bytes; the other styles keep their coefficients."""
    with errors_told():
        studio = opened(model, data_dir)
        added = [studio.growth.add(name, retain) for name in names]
    advice = added[-1].advice
    if as_data:
        told = {
            one.style.name: {
                **vars(one.decision),
                "way": one.decision.way.value,
                "words": one.decision.words,
                "fidelity": one.style.fidelity.told,
            }
            for one in added
        }
        _print(studio, {"added": told, "advice": {**vars(advice), "words": advice.words}})
        return
    for one in added:
        typer.echo(one.decision.words[:1].upper() + one.decision.words[1:])
    typer.echo(fidelity_table([studio.styles[name] for name in names], studio.stored_bytes))
    for line in filter(None, [advice.words]):
        typer.echo(line)


def remove(
    name: Annotated[str, typer.Argument(help="A style of the current subspace.")],
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
    as_data: AsJSON = False,
) -> None:
    """Take a style out of the current subspace; its LoRA and the other styles stay."""
    with errors_told():
        studio = opened(model, data_dir)
        studio.growth.remove(name)
    if as_data:
        _print(studio, {"removed": name})
    else:
        typer.echo(f"{name} is out; {len(studio.styles)} styles, {studio.stored_bytes:,} bytes")


def merge(
    other: Annotated[str, typer.Argument(help="A bundle, or the name of another version.")],
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
    retain: KeepOfStyles = _OF_STYLES,
    as_data: AsJSON = False,
) -> None:
    """Make one subspace of the current one and another; every style of both comes along."""
    with errors_told():
        studio = opened(model, data_dir)
        work = studio.growth.merge(other, retain)
        merged = drain(work) if as_data else watched("Merging", work)
    if as_data:
        _print(studio, {"moved": _moved(merged.moved), "notice": merged.notice})
        return
    for line in (*(one.words for one in merged.moved.values()), *filter(None, [merged.notice])):
        typer.echo(line)
    typer.echo(f"{len(studio.styles)} styles, {studio.stored_bytes:,} bytes")


def refit(
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
    retain: Retain = DEFAULT_RETAIN,
    as_data: AsJSON = False,
) -> None:
    """Fit the bases anew to the LoRAs that the styles came from; a style without its LoRA is moved."""
    with errors_told():
        studio = opened(model, data_dir)
        work = studio.growth.refit(retain)
        refitted = drain(work) if as_data else watched("Refitting", work)
    if as_data:
        fitted = {name: style.fidelity.told for name, style in refitted.fitted.items()}
        sizes = {"bytes_before": refitted.bytes_before, "bytes_after": refitted.bytes_after}
        _print(studio, {"fitted": fitted, "moved": _moved(refitted.moved), **sizes})
        return
    for one in refitted.moved.values():
        typer.echo(one.words)
    typer.echo(refitted.words)
    typer.echo(fidelity_table(list(studio.styles.values()), studio.stored_bytes))


def migrate(
    version: Annotated[str, typer.Argument(help="A version, or the start of its name; see `versions`.")],
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
    retain: KeepOfStyles = _OF_STYLES,
    as_data: AsJSON = False,
) -> None:
    """Bring every style of the current subspace into the bases of another version."""
    with errors_told():
        studio = opened(model, data_dir)
        moved = studio.growth.migrate(version, retain)
    if as_data:
        _print(studio, {"moved": _moved(moved)})
        return
    for one in moved.values():
        typer.echo(one.words)
    typer.echo(f"{len(moved)} styles, {studio.stored_bytes:,} bytes")


def augment(
    count: Annotated[int, typer.Argument(help="Columns that every module shall have on both sides.")],
    data_dir: DataDir,
    source: Annotated[Source, typer.Option("--from", help="Where new columns come from.")] = Source.GAUSSIAN,
    seed: Annotated[int, typer.Option(help="Of their random numbers.")] = 0,
    model: Model = DEFAULT_MODEL,
    as_data: AsJSON = False,
) -> None:
    """Add orthogonal columns where a module has few, for styles to be taught in; styles stay as they are."""
    with errors_told():
        studio = opened(model, data_dir)
        augmented = studio.growth.augment(count, source, seed)
    if as_data:
        _print(studio, vars(augmented))
    else:
        typer.echo(
            f"{augmented.columns} columns added: {augmented.bytes_before:,} bytes have become "
            f"{augmented.bytes_after:,}"
        )


def versions(data_dir: DataDir, model: Model = DEFAULT_MODEL, as_data: AsJSON = False) -> None:
    """List the versions that are kept, the newest first; * marks the current one."""
    with errors_told():
        listed = opened(model, data_dir).growth.versions()
    if as_data:
        typer.echo(json.dumps([{**vars(one), "saved": one.saved.isoformat()} for one in listed], indent=2))
        return
    for one in listed:
        typer.echo(one.words)
    if not listed:
        typer.echo("none yet: compress some LoRAs first")


def use(
    version: Annotated[str, typer.Argument(help="A version, or the start of its name; see `versions`.")],
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
    as_data: AsJSON = False,
) -> None:
    """Go back, or forth, to a version; no version is changed or lost."""
    with errors_told():
        studio = opened(model, data_dir)
        used = studio.growth.use(version)
    if as_data:
        _print(studio, {**vars(used), "saved": used.saved.isoformat()})
    else:
        typer.echo(
            f"{used.name} is the current version: {len(used.styles)} styles, {used.file_bytes:,} bytes"
        )


def _moved(moved: Mapping[str, Migrated]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "moved_error": one.moved_error,
            "original_error": one.original_error,
            "fidelity": one.style.fidelity.told,
        }
        for name, one in moved.items()
    }


def _print(studio: Studio, content: Mapping[str, Any]) -> None:
    after = {"styles": sorted(studio.styles), "stored_bytes": studio.stored_bytes}
    typer.echo(json.dumps({**content, **after}, indent=2))
