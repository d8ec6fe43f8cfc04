"""A style as a safetensors file: format 3; formats 1 and 2 are read as well.

`ranks` has one int16 for each module of the style's subspace (-1: not touched, 0: the core is kept whole,
r > 0: in factors of r columns, below -1: as `_code` tells), `residual_ranks` likewise the ranks that the
style keeps to itself. The cores of all modules, then all residuals, up before down, lie packed behind one
another (`packing`), each in the numbers of its module's basis. Formats 1 and 2 are the same in fp16, cores
and residuals in two tensors.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from eigenlorax.errors import SubspaceMismatchError
from eigenlorax.formats.tensors import save_tensors
from eigenlorax.library.atomic import written_aside
from eigenlorax.library.kinds import FORMAT_VERSION, believed, checked_header
from eigenlorax.library.packing import HALVES, Unpacker, pack
from eigenlorax.subspace.basis import Basis
from eigenlorax.subspace.fidelity import Fidelity
from eigenlorax.subspace.kept_cores import DENSE, KeptCore, KeptCores
from eigenlorax.subspace.kept_residuals import KeptResidual, KeptResiduals
from eigenlorax.subspace.numbers import Numbers, Scaled, fits_int8, numbers_of
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

_KIND = "eigenlorax.style"
_UNTOUCHED = -1
#: From here down a core has a part in fp16 whose length would let it be in int8: two codes for each rank.
_WIDENED = -2


def save_style(style: Style, subspace: Subspace, path: Path) -> None:
    """Write a style; the file appears whole or not at all."""
    tensors, metadata = style_parts(style, subspace)
    with written_aside(path) as aside:
        save_tensors(tensors, aside, metadata)


def load_style(path: Path, subspace: Subspace) -> Style:
    """Read a style that lives in `subspace`.

    Raises:
        InvalidFileError: not a style file of this format, or its numbers do not fit the subspace.
        SubspaceMismatchError: the style belongs to another subspace.
    """
    header = checked_header(path, _KIND)
    with believed(path, "compress its LoRA again"):
        if header.metadata["subspace"] != subspace.hash:
            raise SubspaceMismatchError(
                f"{path.name} belongs to subspace {header.metadata['subspace'][:12]}, not to "
                f"{subspace.hash[:12]}: open it with its own subspace, or compress its LoRA again"
            )
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in header.tensors}
        style = style_from(path.name, tensors, header.metadata, subspace)
    return replace(style, fidelity=replace(style.fidelity, style_bytes=path.stat().st_size))


def style_paths(folder: Path) -> Mapping[str, Path]:
    """Style name -> file, for every style in a subspace's folder."""
    return {path.stem: path for path in sorted(folder.glob("styles/*.safetensors"))}


def style_parts(style: Style, subspace: Subspace) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata that a style of this subspace is kept as, number for number as it is."""
    cores, residuals = style.cores.kept, style.residuals.kept
    matrices = [part for module in subspace.bases if module in cores for part in cores[module].parts]
    for residual in (residuals[module] for module in subspace.bases if module in residuals):
        matrices += [residual.up, residual.down]
    tensors = {
        "ranks": _ranks(_code(cores[m]) if m in cores else _UNTOUCHED for m in subspace.bases),
        **pack(matrices),
    }
    if residuals:
        tensors["residual_ranks"] = _ranks(residuals[m].rank if m in residuals else 0 for m in subspace.bases)
    metadata = {
        "format": _KIND,
        "version": FORMAT_VERSION,
        "name": style.name,
        "subspace": style.subspace,
        "source_sha256": style.source_sha256,
        "trigger_words": json.dumps(list(style.trigger_words)),
        "fidelity": json.dumps(asdict(style.fidelity)),
        "notes": json.dumps(dict(style.notes)),
    }
    return tensors, metadata


def style_from(
    file_name: str, tensors: Mapping[str, Tensor], metadata: Mapping[str, str], subspace: Subspace
) -> Style:
    """Inverse of `style_parts`, for a style of this subspace.

    Raises:
        InvalidFileError: its numbers do not fit the subspace.
    """
    unpacker = Unpacker(file_name, _packed(tensors))
    cores = {}
    ranks = tensors["ranks"].tolist()
    for (module, basis), rank in zip(subspace.bases.items(), ranks, strict=True):
        if rank != _UNTOUCHED:
            cores[module] = _next_core(unpacker, rank, basis, f"the core of {module}")
    residuals = {}
    private = tensors["residual_ranks"].tolist() if "residual_ranks" in tensors else [0] * len(ranks)
    for (module, basis), rank in zip(subspace.bases.items(), private, strict=True):
        if rank:
            residuals[module] = _next_residual(unpacker, rank, basis, f"the residual of {module}")
    unpacker.finish()
    return Style(
        name=metadata["name"],
        cores=KeptCores(cores),
        subspace=subspace.hash,
        fidelity=Fidelity(**json.loads(metadata["fidelity"])),
        trigger_words=tuple(json.loads(metadata["trigger_words"])),
        source_sha256=metadata["source_sha256"],
        residuals=KeptResiduals(residuals),
        notes=json.loads(metadata.get("notes", "{}")),
    )


def _code(core: KeptCore) -> int:
    """A core's rank; where it was widened, which rank and which of its parts stayed in fp16."""
    kinds = [Scaled.ROW] if core.rank == DENSE else [Scaled.COLUMN, Scaled.ROW]
    for place, (part, scaled) in enumerate(zip(core.parts, kinds, strict=True)):
        short = numbers_of(part) is Numbers.FP16
        if short and core.numbers is Numbers.INT8 and fits_int8(part.shape, scaled):
            return _WIDENED - 2 * core.rank - place
    return core.rank


def _next_core(unpacker: Unpacker, code: int, basis: Basis, of: str) -> KeptCore:
    (k_out, k_in), numbers = basis.core_shape, basis.numbers
    rank, in_half = (code, None) if code >= 0 else divmod(_WIDENED - code, 2)
    first, second = (Numbers.FP16 if in_half == place else numbers for place in (0, 1))
    if rank == DENSE:
        return KeptCore(DENSE, (unpacker.take(k_out, k_in, first, Scaled.ROW, of),), numbers)
    left = unpacker.take(k_out, rank, first, of=of)
    return KeptCore(rank, (left, unpacker.take(rank, k_in, second, Scaled.ROW, of)), numbers)


def _next_residual(unpacker: Unpacker, rank: int, basis: Basis, of: str) -> KeptResidual:
    rows, columns = basis.stored_out.shape[0], basis.stored_into.shape[0]
    up = unpacker.take(rows, rank, basis.numbers, of=of)
    return KeptResidual(up, unpacker.take(rank, columns, basis.numbers, Scaled.ROW, of))


def _ranks(ranks: Iterable[int]) -> Tensor:
    return torch.tensor(list(ranks), dtype=torch.int16)


def _packed(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The tensors of any format by today's names."""
    if "values" not in tensors:
        return tensors
    return {HALVES: torch.cat([tensors[name] for name in ("values", "residual_values") if name in tensors])}
