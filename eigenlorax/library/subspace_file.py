"""A subspace as a safetensors file: format 3; formats 1 and 2, with named fp16 tensors, are read as well.

`shapes` has a row (out, k_out, in, k_in, 1 for int8, place of the module whose into it is) for each module,
the metadata the modules' names in that order, and the bases lie packed behind one another (`packing`), out
before into. Modules whose bases hold one and the same into share it on disk too: the first of them keeps it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.tensors import save_tensors
from eigenlorax.library.atomic import written_aside
from eigenlorax.library.kinds import FORMAT_VERSION, believed, checked_header
from eigenlorax.library.packing import Unpacker, pack
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.basis import Basis
from eigenlorax.subspace.fingerprint import Fingerprint
from eigenlorax.subspace.numbers import Kept, Numbers
from eigenlorax.subspace.subspace import Subspace

_KIND = "eigenlorax.subspace"
_NUMBERS = (Numbers.FP16, Numbers.INT8)


def save_subspace(subspace: Subspace, path: Path) -> None:
    """Write a subspace; the file appears whole or not at all."""
    tensors, metadata = subspace_parts(subspace)
    with written_aside(path) as aside:
        save_tensors(tensors, aside, metadata)


def load_subspace(path: Path) -> Subspace:
    """Read a subspace and check its hash.

    Raises:
        InvalidFileError: not a subspace file of this format, or its bytes do not match its hash.
    """
    header = checked_header(path, _KIND)
    with believed(path, "compress again"), safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in header.tensors}
        return subspace_from(path.name, tensors, header.metadata)


def subspace_parts(subspace: Subspace) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata that a subspace is kept as."""
    shapes: list[tuple[int, ...]] = []
    sides: list[Kept] = []
    keepers: dict[int, int] = {}
    for place, basis in enumerate(subspace.bases.values()):
        out, into = basis.stored_out, basis.stored_into
        keeper = keepers.setdefault(id(into), place)
        shapes.append((*out.shape, *into.shape, _NUMBERS.index(basis.numbers), keeper))
        sides += [out, into] if keeper == place else [out]
    tensors = {"shapes": torch.tensor(shapes, dtype=torch.int32).view(-1, 6), **pack(sides)}
    metadata = {
        "format": _KIND,
        "version": FORMAT_VERSION,
        "hash": subspace.hash,
        "layout": subspace.layout,
        "retain": repr(subspace.retain),
        "sources": json.dumps(dict(subspace.sources)),
        "modules": json.dumps([str(module) for module in subspace.bases]),
        "excluded": json.dumps(dict(subspace.excluded)),
    }
    if subspace.base is not None:
        metadata["base_name"] = subspace.base.name
        metadata["base_norms"] = json.dumps(
            [float(f"{subspace.base.norms[module]:.6g}") for module in subspace.bases]
        )
    return tensors, metadata


def subspace_from(file_name: str, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Subspace:
    """Inverse of `subspace_parts`, with the hash checked.

    Raises:
        InvalidFileError: the bases do not match their hash.
    """
    modules = [ModulePath.parse(name) for name in json.loads(metadata["modules"])]
    read = _named if metadata.get("version") in ("1", "2") else _packed
    bases = dict(zip(modules, read(file_name, tensors, modules), strict=True))
    subspace = Subspace(
        bases,
        metadata["layout"],
        json.loads(metadata["sources"]),
        float(metadata["retain"]),
        _fingerprint(metadata, bases),
        json.loads(metadata.get("excluded", "{}")),
    )
    if subspace.hash != metadata["hash"]:
        raise InvalidFileError(f"{file_name} is damaged: its bases do not match its hash; compress again")
    return subspace


def _packed(file_name: str, tensors: Mapping[str, Tensor], modules: Sequence[ModulePath]) -> Iterator[Basis]:
    unpacker = Unpacker(file_name, tensors)
    intos: list[Kept] = []
    for module, shape in zip(modules, tensors["shapes"].tolist(), strict=True):
        rows, k_out, columns, k_in, kind, keeper = shape
        numbers, of = _NUMBERS[kind], f"the basis of {module}"
        out = unpacker.take(rows, k_out, numbers, of=of)
        own = keeper == len(intos)
        intos.append(unpacker.take(columns, k_in, numbers, of=of) if own else intos[keeper])
        yield Basis(out, intos[-1])
    unpacker.finish()


def _named(_: str, tensors: Mapping[str, Tensor], modules: Sequence[ModulePath]) -> Iterator[Basis]:
    for module in modules:
        yield Basis(tensors[f"{module}.out"], tensors[f"{module}.into"])


def _fingerprint(metadata: Mapping[str, str], bases: Mapping[ModulePath, Basis]) -> Fingerprint | None:
    if "base_name" not in metadata:
        return None
    norms = dict(zip(bases, map(float, json.loads(metadata["base_norms"])), strict=True))
    return Fingerprint(metadata["base_name"], norms)
