"""The smallest part of a subspace in which one style is what it is, number for number."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from eigenlorax.errors import SubspaceMismatchError
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.basis import Basis
from eigenlorax.subspace.fingerprint import Fingerprint
from eigenlorax.subspace.kept_cores import KeptCore, KeptCores
from eigenlorax.subspace.numbers import Int8Matrix, Kept, value
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

#: Lines of up to two numbers are kept in fp16 (`numbers.fits_int8`); none may become so short here.
_LEAST = 3


def excerpt(style: Style, subspace: Subspace) -> tuple[Subspace, Style]:
    """A subspace with only the modules that a style changes and the columns that its cores reach, and the
    style in it.

    Columns are dropped from behind: those that came when the subspace grew meet zeros in earlier cores. What
    is left are the first columns, so that `padded` brings the style back with no number changed. Of the
    LoRAs that the bases were fitted to, the excerpt names none but the style's own.

    Raises:
        SubspaceMismatchError: the style is of another subspace.
    """
    if style.subspace != subspace.hash:
        raise SubspaceMismatchError(
            f"{style.name} belongs to subspace {style.subspace[:12]}, not to {subspace.hash[:12]}"
        )
    cores = style.cores.kept
    changed = [path for path in subspace.bases if path in cores or path in style.residuals.kept]
    reached = {path: _reached(cores[path]) if path in cores else (0, 0) for path in changed}
    bases = _first_columns(subspace, reached)
    small = Subspace(
        bases,
        subspace.layout,
        {name: sha for name, sha in subspace.sources.items() if name == style.name},
        subspace.retain,
        _of(subspace.base, bases),
    )
    cut = {path: _cut(core, *bases[path].core_shape) for path, core in cores.items()}
    return small, replace(style, cores=KeptCores(cut), subspace=small.hash)


def _first_columns(
    subspace: Subspace, reached: Mapping[ModulePath, tuple[int, int]]
) -> dict[ModulePath, Basis]:
    """Bases with the columns that are reached; modules that share their into go on sharing it."""
    widest: dict[int, int] = {}
    for path, (_, columns) in reached.items():
        shared = id(subspace.bases[path].stored_into)
        widest[shared] = max(widest.get(shared, 0), columns)
    intos: dict[int, Kept] = {}
    bases = {}
    for path, (rows, _) in reached.items():
        basis = subspace.bases[path]
        shared = id(basis.stored_into)
        if shared not in intos:
            intos[shared] = _corner(
                basis.stored_into, basis.stored_into.shape[0], max(widest[shared], _LEAST)
            )
        out = _corner(basis.stored_out, basis.stored_out.shape[0], max(rows, _LEAST))
        bases[path] = Basis(out, intos[shared])
    return bases


def _reached(core: KeptCore) -> tuple[int, int]:
    """How many of its first rows and columns hold all of a core."""
    rows, columns = value(core.parts[0]), value(core.parts[-1])
    return _last(rows.abs().sum(1)), _last(columns.abs().sum(0))


def _last(sums: Tensor) -> int:
    there = torch.nonzero(sums)
    return int(there[-1]) + 1 if len(there) else 0


def _cut(core: KeptCore, k_out: int, k_in: int) -> KeptCore:
    if len(core.parts) == 1:
        return replace(core, parts=(_corner(core.parts[0], k_out, k_in),))
    left, right = core.parts
    return replace(core, parts=(_corner(left, k_out, core.rank), _corner(right, core.rank, k_in)))


def _corner(kept: Kept, rows: int, columns: int) -> Kept:
    """The upper left of a matrix, number for number; a line of scales is one row or one column."""
    if isinstance(kept, Int8Matrix):
        return Int8Matrix(kept.codes[:rows, :columns], kept.scales[:rows, :columns])
    return kept[:rows, :columns]


def _of(base: Fingerprint | None, bases: Mapping[ModulePath, Basis]) -> Fingerprint | None:
    return None if base is None else replace(base, norms={path: base.norms[path] for path in bases})
