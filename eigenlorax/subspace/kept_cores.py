"""Cores as they lie on disk, whole or in factors: what was kept once is never rounded a second time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.kept import KeptByModule
from eigenlorax.subspace.numbers import Kept, Numbers, Scaled, bytes_of, keep, nbytes, numbers_of, value

DENSE = 0
"""The rank that stands for a core kept whole."""


@dataclass(frozen=True)
class KeptCore:
    """A core as stored: whole, or as left @ right where that takes fewer bytes.

    Attributes:
        rank: Columns of the left factor; `DENSE` for a core kept whole.
        parts: The whole core, scaled by row, or left (k_out, rank), scaled by column, and right (rank, k_in),
            scaled by row.
        numbers: What it was asked to be kept in.
    """

    rank: int
    parts: tuple[Kept, ...]
    numbers: Numbers

    @property
    def core(self) -> Float[Tensor, "k_out k_in"]:
        """The core in float32, made anew each time."""
        matrices = [value(part) for part in self.parts]
        return matrices[0] if self.rank == DENSE else matrices[0] @ matrices[1]

    @property
    def shape(self) -> tuple[int, int]:
        """(k_out, k_in)."""
        return self.parts[0].shape[0], self.parts[-1].shape[1]

    @property
    def nbytes(self) -> int:
        """Bytes of its numbers, on disk as in memory."""
        return sum(nbytes(part) for part in self.parts)


class KeptCores(KeptByModule[Tensor, KeptCore]):
    """Module -> core in float32, made from its stored form each time it is asked for."""

    def __getitem__(self, path: ModulePath) -> Float[Tensor, "k_out k_in"]:
        return self.kept[path].core


def padded_cores(cores: KeptCores, shapes: Mapping[ModulePath, tuple[int, int]]) -> KeptCores:
    """Cores with zeros behind, for bases that got further columns; each stays whole or in factors, as it is.

    Args:
        cores: Of a style.
        shapes: Module -> (k_out, k_in), at least the core's own.
    """
    return KeptCores({path: _padded_core(kept, *shapes[path]) for path, kept in cores.kept.items()})


def _padded_core(kept: KeptCore, k_out: int, k_in: int) -> KeptCore:
    """What was too short for int8 stays in fp16, however long it gets: no number changes."""
    if kept.rank == DENSE:
        return replace(kept, parts=(_padded_part(kept.parts[0], k_out, k_in, Scaled.ROW),))
    left, right = kept.parts
    factors = (
        _padded_part(left, k_out, kept.rank, Scaled.COLUMN),
        _padded_part(right, kept.rank, k_in, Scaled.ROW),
    )
    return replace(kept, parts=factors)


def _padded_part(part: Kept, rows: int, columns: int, scaled: Scaled) -> Kept:
    return keep(_padded(value(part), rows, columns), numbers_of(part), scaled)


def _padded(matrix: Tensor, rows: int, columns: int) -> Tensor:
    return torch.nn.functional.pad(matrix, (0, columns - matrix.shape[1], 0, rows - matrix.shape[0]))


def core_bytes(k_out: int, k_in: int, rank: int, numbers: Numbers) -> int:
    """Bytes of a core of this rank: the fewer of whole and factored."""
    return form_bytes(k_out, k_in, _form(k_out, k_in, rank, numbers), numbers)


def form_bytes(k_out: int, k_in: int, rank: int, numbers: Numbers) -> int:
    """Bytes of a core in factors of this rank, or of a whole one if it is `DENSE`."""
    if rank == DENSE:
        return bytes_of(k_out, k_in, numbers, Scaled.ROW)
    return bytes_of(k_out, rank, numbers) + bytes_of(rank, k_in, numbers, Scaled.ROW)


def keep_core(core: Float[Tensor, "k_out k_in"], rank: int, numbers: Numbers) -> KeptCore:
    """The stored form of a core that takes the fewest bytes; whole where both take as many.

    Factors are of even size, which loses least in fp16.

    Args:
        core: float32.
        rank: At least the core's own; 0 when that is not known.
        numbers: What to keep it in.
    """
    k_out, k_in = core.shape
    rank = _form(k_out, k_in, rank, numbers)
    if rank == DENSE:
        return KeptCore(DENSE, (keep(core, numbers, Scaled.ROW),), numbers)
    left, s, right = torch.linalg.svd(core, full_matrices=False)
    root = s[:rank].sqrt()
    factors = (
        keep(left[:, :rank] * root, numbers),
        keep(root[:, None] * right[:rank], numbers, Scaled.ROW),
    )
    return KeptCore(rank, factors, numbers)


def energy_of_core(core: Float[Tensor, "k_out k_in"], kept: KeptCore) -> float:
    """Squared norm that a stored core keeps of an update: the projection's less that of its rounding."""
    return _squared(core) - _squared(kept.core - core)


def _squared(matrix: Tensor) -> float:
    return float(matrix.double().square().sum())


def _form(k_out: int, k_in: int, rank: int, numbers: Numbers) -> int:
    """The rank of the factors to keep, or `DENSE`."""
    rank = min(rank, k_out, k_in)
    smaller = rank > 0 and form_bytes(k_out, k_in, rank, numbers) < form_bytes(k_out, k_in, DENSE, numbers)
    return rank if smaller else DENSE
