"""Cores as they lie on disk, whole or in factors: what was kept once is never rounded a second time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from eigenlorax.lora import LoRALayer, joined
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.numbers import Kept, Numbers, Scaled, bytes_of, keep, value

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

    @cached_property
    def core(self) -> Float[Tensor, "k_out k_in"]:
        """The core in float32."""
        matrices = [value(part) for part in self.parts]
        return matrices[0] if self.rank == DENSE else matrices[0] @ matrices[1]

    @property
    def shape(self) -> tuple[int, int]:
        """(k_out, k_in)."""
        return self.parts[0].shape[0], self.parts[-1].shape[1]


class KeptCores(Mapping[ModulePath, Tensor]):
    """Module -> core in float32, made from its stored form when it is first asked for.

    Args:
        kept: Module -> stored form.
    """

    def __init__(self, kept: Mapping[ModulePath, KeptCore]) -> None:
        self.kept = dict(kept)

    def __getitem__(self, path: ModulePath) -> Tensor:
        return self.kept[path].core

    def __iter__(self) -> Iterator[ModulePath]:
        return iter(self.kept)

    def __len__(self) -> int:
        return len(self.kept)


def padded_cores(
    cores: Mapping[ModulePath, Tensor], shapes: Mapping[ModulePath, tuple[int, int]]
) -> Mapping[ModulePath, Tensor]:
    """Cores with zeros behind, for bases that got further columns; what was kept in factors stays in them.

    Args:
        cores: Of a style, read from disk or not.
        shapes: Module -> (k_out, k_in), at least the core's own.
    """
    if isinstance(cores, KeptCores):
        return KeptCores({path: _padded_core(kept, *shapes[path]) for path, kept in cores.kept.items()})
    return {path: _padded(core, *shapes[path]) for path, core in cores.items()}


def _padded_core(kept: KeptCore, k_out: int, k_in: int) -> KeptCore:
    if kept.rank == DENSE:
        return replace(kept, parts=(keep(_padded(kept.core, k_out, k_in), kept.numbers, Scaled.ROW),))
    left, right = (value(part) for part in kept.parts)
    factors = (
        keep(_padded(left, k_out, kept.rank), kept.numbers),
        keep(_padded(right, kept.rank, k_in), kept.numbers, Scaled.ROW),
    )
    return replace(kept, parts=factors)


def _padded(matrix: Tensor, rows: int, columns: int) -> Tensor:
    return torch.nn.functional.pad(matrix, (0, columns - matrix.shape[1], 0, rows - matrix.shape[0]))


def core_bytes(k_out: int, k_in: int, rank: int, numbers: Numbers) -> int:
    """Bytes of a core of this rank: the fewer of whole and factored."""
    return _bytes(k_out, k_in, _form(k_out, k_in, rank, numbers), numbers)


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


def kept_of_core(core: Float[Tensor, "k_out k_in"], rank: int, numbers: Numbers) -> float:
    """Squared norm that a core keeps of an update once it is stored: its own less that of its rounding."""
    return _squared(core) - _squared(keep_core(core, rank, numbers).core - core)


def kept_of_residual(layer: LoRALayer, numbers: Numbers) -> float:
    """The same of private ranks that are the leading directions of what the columns miss."""
    stored = LoRALayer(value(keep(layer.up, numbers)), value(keep(layer.down, numbers, Scaled.ROW)))
    return layer.norm**2 - joined([stored, layer.scaled(-1.0)]).norm ** 2


def _squared(matrix: Tensor) -> float:
    return float(matrix.double().square().sum())


def _form(k_out: int, k_in: int, rank: int, numbers: Numbers) -> int:
    """The rank of the factors to keep, or `DENSE`."""
    rank = min(rank, k_out, k_in)
    smaller = rank > 0 and _bytes(k_out, k_in, rank, numbers) < _bytes(k_out, k_in, DENSE, numbers)
    return rank if smaller else DENSE


def _bytes(k_out: int, k_in: int, rank: int, numbers: Numbers) -> int:
    if rank == DENSE:
        return bytes_of(k_out, k_in, numbers, Scaled.ROW)
    return bytes_of(k_out, rank, numbers) + bytes_of(rank, k_in, numbers, Scaled.ROW)
