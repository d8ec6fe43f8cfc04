"""A subspace and chosen styles of it as one file, to hand to someone with the same base.

The tensors of a subspace file lie under `subspace.`, those of the n-th style file under `styles.<n>.`; the
metadata of each is JSON. The bases carry their hash, every style one of its own.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open
from torch import Tensor

from eigenlorax.errors import InvalidFileError, SubspaceMismatchError
from eigenlorax.formats.file_names import is_plain
from eigenlorax.formats.header import read_header
from eigenlorax.formats.tensors import save_tensors
from eigenlorax.library.atomic import written_aside
from eigenlorax.library.kinds import FORMAT_VERSION, believed, checked_header
from eigenlorax.library.library import Library
from eigenlorax.library.packing import PACKED_NAMES
from eigenlorax.library.style_file import load_style, style_from, style_parts, style_paths
from eigenlorax.library.subspace_file import subspace_from, subspace_parts
from eigenlorax.subspace.numbers import raw
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

_KIND = "eigenlorax.bundle"
#: What a style's hash covers, in this order; a format has some of them.
_HASHED = ("ranks", "values", "residual_ranks", "residual_values", *PACKED_NAMES)


@dataclass(frozen=True)
class Bundle:
    """What a bundle holds: bases and, by name, styles that live in them."""

    subspace: Subspace
    styles: Mapping[str, Style]


def save_bundle(subspace: Subspace, styles: Mapping[str, Style], path: Path) -> None:
    """Write a bundle; the file appears whole or not at all.

    Raises:
        SubspaceMismatchError: a style belongs to another subspace.
    """
    if strangers := sorted(name for name, style in styles.items() if style.subspace != subspace.hash):
        raise SubspaceMismatchError(
            f"{', '.join(strangers)} belong to another subspace: compress them together first"
        )
    parts, home = subspace_parts(subspace)
    tensors = {f"subspace.{name}": tensor for name, tensor in parts.items()}
    described = []
    for number, style in enumerate(styles.values()):
        parts, metadata = style_parts(style, subspace)
        tensors |= {f"styles.{number}.{name}": tensor for name, tensor in parts.items()}
        described.append({**metadata, "sha256": _digest(parts)})
    header = {
        "format": _KIND,
        "version": FORMAT_VERSION,
        "subspace": json.dumps(home),
        "styles": json.dumps(described),
    }
    with written_aside(path) as aside:
        save_tensors(tensors, aside, header)


def is_bundle(path: Path) -> bool:
    """Whether a file says of itself that it is a bundle; a broken file is none."""
    try:
        return read_header(path).metadata.get("format") == _KIND
    except InvalidFileError:
        return False


def load_bundle(path: Path) -> Bundle:
    """Read a bundle and check all its hashes.

    Raises:
        InvalidFileError: not a bundle of this format, or damaged.
        SubspaceMismatchError: a style says that it belongs to another subspace.
    """
    header = checked_header(path, _KIND)
    with believed(path, "export it again"):
        home, described = json.loads(header.metadata["subspace"]), json.loads(header.metadata["styles"])
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in header.tensors}
        subspace = subspace_from(path.name, _under("subspace.", tensors), home)
        styles = {}
        for number, metadata in enumerate(described):
            style = _style(path.name, _under(f"styles.{number}.", tensors), metadata, subspace)
            styles[style.name] = style
    return Bundle(subspace, styles)


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def keep_bundle(bundle: Bundle, library: Library) -> tuple[str, ...]:
    """Put a bundle into the library as its current subspace; styles that are there already stay.

    Returns:
        The names of the bundle's styles in the library: a name that another style has gets a number.

    Raises:
        OSError: as the disk says.
    """
    folder = library.latest(bundle.subspace)
    kept: dict[str, Style] = {}
    if folder is not None:
        kept = {name: load_style(path, bundle.subspace) for name, path in style_paths(folder).items()}
    names = []
    for name, style in bundle.styles.items():
        own, number = name, 1
        while own in kept and _hash(kept[own], bundle.subspace) != _hash(style, bundle.subspace):
            number += 1
            own = f"{name}-{number}"
        kept[own] = dataclasses.replace(style, name=own)
        names.append(own)
    library.save(bundle.subspace, kept)
    return tuple(names)


def _hash(style: Style, subspace: Subspace) -> str:
    return _digest(style_parts(style, subspace)[0])


def _style(
    file_name: str, parts: Mapping[str, Tensor], metadata: Mapping[str, Any], subspace: Subspace
) -> Style:
    name = checked_name(file_name, metadata["name"])
    if metadata["subspace"] != subspace.hash:
        raise SubspaceMismatchError(
            f"{file_name}: {name} belongs to subspace {metadata['subspace'][:12]}, not to the "
            f"{subspace.hash[:12]} of this bundle: export it again"
        )
    if _digest(parts) != metadata["sha256"]:
        raise InvalidFileError(f"{file_name} is damaged: {name} does not match its hash; export it again")
    return style_from(file_name, parts, metadata, subspace)


def checked_name(file_name: str, name: str) -> str:
    """A style's name as a stranger's file has it: in the library it becomes a file name, never a path.

    Raises:
        InvalidFileError: it would lead elsewhere.
    """
    if not is_plain(name) or Path(name).name != name or name.startswith("."):
        raise InvalidFileError(
            f"{file_name} holds a style named {name!r}, which is no file name: do not trust it"
        )
    return name


def _digest(parts: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in _HASHED:
        if name in parts:
            digest.update(raw(parts[name]))
    return digest.hexdigest()
