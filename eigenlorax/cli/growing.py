"""The commands that make new versions of the current subspace, and go back to old ones."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from eigenlorax.cli.answer import Answer
from eigenlorax.cli.common import opened
from eigenlorax.cli.options import DEFAULT_MODEL, DataDir, Model
from eigenlorax.cli.progress import watched
from eigenlorax.library.versions import Version
from eigenlorax.report.sheet import fidelity_table
from eigenlorax.studio import Studio
from eigenlorax.subspace.migrate import Migrated
from eigenlorax.subspaces.growth import Source
from eigenlorax.subspaces.wish import DEFAULT_RETAIN

Retain = Annotated[float, typer.Option(help="Share of each LoRA's effect to keep.")]
KeepOfStyles = Annotated[float, typer.Option(help="Share of what each style is now to keep.")]
VersionName = Annotated[str, typer.Argument(help="A version, or the start of its name; see `versions`.")]
_OF_STYLES = 0.99


def add(
    names: Annotated[list[str], typer.Argument(help="LoRAs of the library.")],
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
    retain: Retain = DEFAULT_RETAIN,
) -> Answer:
    """Bring LoRAs in without a new fit, by the fewest bytes; the other styles keep their coefficients."""
    studio = opened(model, data_dir)
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
    return _after(studio, content, [*lines, table, advice.words])


def remove(
    name: Annotated[str, typer.Argument(help="A style of the current subspace.")],
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Take a style out of the current subspace; its LoRA and the other styles stay."""
    studio = opened(model, data_dir)
    studio.growth.remove(name)
    return _after(studio, {"removed": name}, [f"{name} is out; {_size(studio)}"])


def merge(
    other: Annotated[str, typer.Argument(help="A bundle, or the name of another version.")],
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
    retain: KeepOfStyles = _OF_STYLES,
) -> Answer:
    """Make one subspace of the current one and another; every style of both comes along."""
    studio = opened(model, data_dir)
    merged = watched("Merging", studio.growth.merge(other, retain))
    content = {"moved": _moved(merged.moved), "notice": merged.notice}
    return _after(studio, content, [*_moves(merged.moved), merged.notice, _size(studio)])


def refit(
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
    retain: Retain = DEFAULT_RETAIN,
) -> Answer:
    """Fit the bases anew to the LoRAs that the styles came from; a style without its LoRA is moved."""
    studio = opened(model, data_dir)
    refitted = watched("Refitting", studio.growth.refit(retain))
    content = {
        "fitted": {name: style.fidelity.told for name, style in refitted.fitted.items()},
        "moved": _moved(refitted.moved),
        "bytes_before": refitted.bytes_before,
        "bytes_after": refitted.bytes_after,
    }
    table = fidelity_table(list(studio.styles.values()), studio.stored_bytes)
    return _after(studio, content, [*_moves(refitted.moved), refitted.words, table])


def migrate(
    version: VersionName,
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
    retain: KeepOfStyles = _OF_STYLES,
) -> Answer:
    """Bring every style of the current subspace into the bases of another version."""
    studio = opened(model, data_dir)
    moved = watched("Migrating", studio.growth.migrate(version, retain))
    return _after(studio, {"moved": _moved(moved)}, [*_moves(moved), _size(studio)])


def augment(
    count: Annotated[int, typer.Argument(help="Columns that every module shall have on both sides.")],
    data_dir: DataDir,
    source: Annotated[Source, typer.Option("--from", help="Where new columns come from.")] = Source.GAUSSIAN,
    seed: Annotated[int, typer.Option(help="Of their random numbers.")] = 0,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Add orthogonal columns where a module has few, for styles to be taught in; styles stay as they are."""
    studio = opened(model, data_dir)
    augmented = watched("Augmenting", studio.growth.augment(count, source, seed))
    sizes = f"{augmented.bytes_before:,} bytes have become {augmented.bytes_after:,}"
    return _after(studio, vars(augmented), [f"{augmented.columns} columns added: {sizes}"])


def versions(data_dir: DataDir, model: Model = DEFAULT_MODEL) -> Answer:
    """List the versions that are kept, the newest first; * marks the current one."""
    listed = opened(model, data_dir).growth.versions()
    lines = [one.words for one in listed] or ["none yet: compress some LoRAs first"]
    return Answer([_version(one) for one in listed], lines)


def use(
    version: VersionName,
    data_dir: DataDir,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Go back, or forth, to a version; no version is changed or lost."""
    studio = opened(model, data_dir)
    used = studio.growth.use(version)
    size = f"{len(used.styles)} styles, {used.file_bytes:,} bytes"
    return _after(studio, _version(used), [f"{used.name} is the current version: {size}"])


def _after(studio: Studio, content: Mapping[str, Any], lines: Iterable[str]) -> Answer:
    """What a command has done, with the styles that there are now."""
    after = {"styles": sorted(studio.styles), "stored_bytes": studio.stored_bytes}
    return Answer({**content, **after}, list(lines))


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
