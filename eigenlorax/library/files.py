"""Subspaces and styles as safetensors files: format 2; format 1, without residuals, is read as well.

A subspace file holds `<module>.out` and `<module>.into` in fp16, and in its metadata the module order.
A style file holds two tensors only: `ranks`, one int16 per module of its subspace (-1: module not
touched, 0: dense core, r > 0: core in r-column factors, whichever is smaller), and `values`, all
numbers one after another in fp16. Where a style has private residuals, `residual_ranks` and
`residual_values` hold them likewise: r columns of up, then r rows of down. A header naming every module
would outweigh the numbers.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from eigenlorax.errors import InvalidFileError, SubspaceMismatchError
from eigenlorax.formats.header import Header, read_header
from eigenlorax.formats.tensors import save_tensors
from eigenlorax.library.atomic import written_aside
from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.basis import Basis
from eigenlorax.subspace.fidelity import Fidelity
from eigenlorax.subspace.fingerprint import Fingerprint
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

FORMAT_VERSION = "2"
READABLE_VERSIONS = ("1", "2")
CORE_NAMES = ("ranks", "values")
RESIDUAL_NAMES = ("residual_ranks", "residual_values")
_UNTOUCHED = -1
_DENSE = 0


def save_subspace(subspace: Subspace, path: Path) -> None:
    """Write a subspace; the file appears whole or not at all."""
    tensors, metadata = subspace_parts(subspace)
    with written_aside(path) as aside:
        save_tensors(tensors, aside, metadata)


def subspace_parts(subspace: Subspace) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata that a subspace is kept as."""
    tensors: dict[str, Tensor] = {}
    for module, basis in subspace.bases.items():
        tensors[f"{module}.out"] = basis.stored_out.contiguous()
        tensors[f"{module}.into"] = basis.stored_into.contiguous()
    metadata = {
        "format": "eigenlorax.subspace",
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


def load_subspace(path: Path) -> Subspace:
    """Read a subspace and check its hash.

    Raises:
        InvalidFileError: not a subspace file of this format, or its bytes do not match its hash.
    """
    header = checked_header(path, "eigenlorax.subspace")
    with safe_open(path, framework="pt") as file:
        return subspace_from(path.name, file.get_tensor, header.metadata)


def subspace_from(file_name: str, tensor: Callable[[str], Tensor], metadata: Mapping[str, str]) -> Subspace:
    """Inverse of `subspace_parts`, with the hash checked.

    Raises:
        InvalidFileError: the bases do not match their hash.
    """
    bases = {
        ModulePath.parse(name): Basis(tensor(f"{name}.out"), tensor(f"{name}.into"))
        for name in json.loads(metadata["modules"])
    }
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


def _fingerprint(metadata: Mapping[str, str], bases: Mapping[ModulePath, Basis]) -> Fingerprint | None:
    if "base_name" not in metadata:
        return None
    norms = dict(zip(bases, map(float, json.loads(metadata["base_norms"])), strict=True))
    return Fingerprint(metadata["base_name"], norms)


def save_style(style: Style, subspace: Subspace, path: Path) -> None:
    """Write a style; the file appears whole or not at all."""
    tensors, metadata = style_parts(style, subspace)
    with written_aside(path) as aside:
        save_tensors(tensors, aside, metadata)


def style_parts(style: Style, subspace: Subspace) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata that a style is kept as."""
    if isinstance(style.cores, _StoredCores):
        return dict(style.cores.tensors), _style_metadata(style)
    ranks, values = [], []
    for module in subspace.bases:
        core = style.cores.get(module)
        if core is None:
            ranks.append(_UNTOUCHED)
            continue
        rank, numbers = _pack(core, style.ranks.get(module, min(core.shape)))
        ranks.append(rank)
        values.append(numbers)
    tensors = {
        "ranks": torch.tensor(ranks, dtype=torch.int16),
        "values": torch.cat(values).half() if values else torch.zeros(0, dtype=torch.float16),
    }
    if any(layer.rank for layer in style.residuals.values()):
        tensors |= _residual_parts(style, subspace)
    return tensors, _style_metadata(style)


def _residual_parts(style: Style, subspace: Subspace) -> dict[str, Tensor]:
    layers = [style.residuals.get(module) for module in subspace.bases]
    values = [side.flatten() for layer in layers if layer is not None for side in (layer.up, layer.down)]
    ranks = [0 if layer is None else layer.rank for layer in layers]
    return {
        "residual_ranks": torch.tensor(ranks, dtype=torch.int16),
        "residual_values": torch.cat(values).half(),
    }


def _residuals_from(
    file_name: str, tensors: Mapping[str, Tensor], subspace: Subspace
) -> dict[ModulePath, LoRALayer]:
    residuals, position = {}, 0
    if "residual_ranks" not in tensors:
        return {}
    values = tensors["residual_values"].float()
    for (module, basis), rank in zip(subspace.bases.items(), tensors["residual_ranks"].tolist(), strict=True):
        if not rank:
            continue
        rows, columns = basis.stored_out.shape[0], basis.stored_into.shape[0]
        numbers = values[position : position + rank * (rows + columns)]
        if rank < 0 or numbers.numel() != rank * (rows + columns):
            raise InvalidFileError(f"{file_name} is damaged: it ends inside the residual of {module}")
        up, down = numbers.split([rank * rows, rank * columns])
        residuals[module] = LoRALayer(up.view(rows, rank), down.view(rank, columns))
        position += numbers.numel()
    return residuals


def _style_metadata(style: Style) -> dict[str, str]:
    return {
        "format": "eigenlorax.style",
        "version": FORMAT_VERSION,
        "name": style.name,
        "subspace": style.subspace,
        "source_sha256": style.source_sha256,
        "trigger_words": json.dumps(list(style.trigger_words)),
        "fidelity": json.dumps(asdict(style.fidelity)),
        "notes": json.dumps(dict(style.notes)),
        **({"has_residuals": "1"} if any(layer.rank for layer in style.residuals.values()) else {}),
    }


def load_style(path: Path, subspace: Subspace) -> Style:
    """Read a style that lives in `subspace`.

    Raises:
        InvalidFileError: not a style file of this format, or its numbers do not fit the subspace.
        SubspaceMismatchError: the style belongs to another subspace.
    """
    metadata = checked_header(path, "eigenlorax.style").metadata
    if metadata["subspace"] != subspace.hash:
        raise SubspaceMismatchError(
            f"{path.name} belongs to subspace {metadata['subspace'][:12]}, not to {subspace.hash[:12]}: "
            "open it with its own subspace, or compress its LoRA again"
        )
    with safe_open(path, framework="pt") as file:
        style = style_from(path.name, file.get_tensor, metadata, subspace)
    return replace(style, fidelity=replace(style.fidelity, style_bytes=path.stat().st_size))


def style_from(
    file_name: str, tensor: Callable[[str], Tensor], metadata: Mapping[str, str], subspace: Subspace
) -> Style:
    """Inverse of `style_parts`, for a style of this subspace.

    Raises:
        InvalidFileError: its numbers do not fit the subspace.
    """
    names = (*CORE_NAMES, *(RESIDUAL_NAMES if metadata.get("has_residuals") else ()))
    cores = _StoredCores({name: tensor(name) for name in names})
    ranks, values = cores.tensors["ranks"].tolist(), cores.tensors["values"].float()
    position = 0
    for (module, basis), rank in zip(subspace.bases.items(), ranks, strict=True):
        if rank == _UNTOUCHED:
            continue
        k_out, k_in = basis.core_shape
        count = k_out * k_in if rank == _DENSE else rank * (k_out + k_in)
        numbers = values[position : position + count]
        if numbers.numel() != count:
            raise InvalidFileError(f"{file_name} is damaged: it ends inside the core of {module}")
        cores[module] = _unpack(numbers, rank, k_out, k_in)
        position += count
    return Style(
        name=metadata["name"],
        cores=cores,
        subspace=subspace.hash,
        fidelity=Fidelity(**json.loads(metadata["fidelity"])),
        trigger_words=tuple(json.loads(metadata["trigger_words"])),
        source_sha256=metadata["source_sha256"],
        ranks=dict(zip(subspace.bases, ranks, strict=True)),
        residuals=_residuals_from(file_name, cores.tensors, subspace),
        notes=json.loads(metadata.get("notes", "{}")),
    )


def moved(style: Style, subspace: Subspace) -> Style:
    """A style of an earlier version in a subspace that has the same bases first; no number changes."""
    if not isinstance(style.cores, _StoredCores):
        return replace(style, subspace=subspace.hash)
    more = len(subspace.bases) - len(style.cores.tensors["ranks"])
    tensors = dict(style.cores.tensors)
    for name, filler in (("ranks", _UNTOUCHED), ("residual_ranks", 0)):
        if name in tensors:
            tensors[name] = torch.cat([tensors[name], torch.full((more,), filler, dtype=torch.int16)])
    cores = _StoredCores(tensors)
    cores.update(style.cores)
    return replace(style, subspace=subspace.hash, cores=cores)


class _StoredCores(dict[ModulePath, Tensor]):
    """Cores with the numbers they were read from, so that saving them again rounds nothing a second time."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.tensors = tensors


def _pack(core: Tensor, rank: int) -> tuple[int, Tensor]:
    """The smaller of a core's dense and factored forms, flat, with the rank that marks the form."""
    k_out, k_in = core.shape
    if rank == _DENSE or rank * (k_out + k_in) >= k_out * k_in:
        return _DENSE, core.flatten()
    left, s, right = torch.linalg.svd(core, full_matrices=False)
    root = s[:rank].sqrt()
    return rank, torch.cat([(left[:, :rank] * root).flatten(), (root[:, None] * right[:rank]).flatten()])


def _unpack(numbers: Tensor, rank: int, k_out: int, k_in: int) -> Tensor:
    if rank == _DENSE:
        return numbers.view(k_out, k_in)
    left, right = numbers.split([k_out * rank, rank * k_in])
    return left.view(k_out, rank) @ right.view(rank, k_in)


def checked_header(path: Path, kind: str) -> Header:
    """The header of a file of this program's.

    Raises:
        InvalidFileError: not safetensors, of another kind, or of a format version not known here.
    """
    header = read_header(path)
    if header.metadata.get("format") != kind:
        raise InvalidFileError(f"{path.name} is not an {kind} file")
    if header.metadata.get("version") not in READABLE_VERSIONS:
        raise InvalidFileError(
            f"{path.name} has format version {header.metadata.get('version')}, this program reads "
            f"{FORMAT_VERSION}: update the program"
        )
    return header


def style_paths(folder: Path) -> Mapping[str, Path]:
    """Style name -> file, for every style in a subspace's folder."""
    return {path.stem: path for path in sorted(folder.glob("styles/*.safetensors"))}
