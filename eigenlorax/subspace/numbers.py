"""How numbers are kept: in fp16, or in int8 with a scale for each column or row, at about half the bytes.

Scales are bfloat16: a scale need not be fine, since the codes are chosen for the scale as it was rounded, but
it must reach far; fp16 would end at columns of 1e-5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
from jaxtyping import BFloat16, Float, Float16, Float64, Int8
from torch import Tensor

_TOP = 127
#: What the scale of a line of zeros is.
_LEAST_SCALE = 2.0**-100


class Numbers(StrEnum):
    """What a stored number is."""

    FP16 = "fp16"
    INT8 = "int8"


class Scaled(StrEnum):
    """Which numbers of a matrix share a scale."""

    COLUMN = "column"
    ROW = "row"


@dataclass(frozen=True)
class Int8Matrix:
    """A matrix in int8: codes * scales.

    Attributes:
        codes: In [-127, 127].
        scales: Above 0; (1, columns) or (rows, 1).
    """

    codes: Int8[Tensor, "rows columns"]
    scales: BFloat16[Tensor, "rows_or_1 columns_or_1"]

    @property
    def shape(self) -> torch.Size:
        """(rows, columns)."""
        return self.codes.shape


Kept = Float16[Tensor, "_ _"] | Int8Matrix
"""A matrix as it lies on disk."""


def keep(matrix: Float[Tensor, "rows columns"], numbers: Numbers, scaled: Scaled = Scaled.COLUMN) -> Kept:
    """Round a matrix to stored numbers; what was rounded so before is not changed by a bit.

    In int8 the largest number of each line is 127 and all are off by half a step at most: for normally
    distributed lines of 300 to 10,000 numbers 5e-5 to 8e-5 of their energy. Cutting off the largest numbers
    for a finer step was measured to gain nothing on real columns and 5% of that on the longest normal ones.
    A line too short for its scale to pay stays in fp16 (`fits_int8`).

    Args:
        matrix: float32, finite.
        numbers: What to round to.
        scaled: Which numbers share a scale in int8.
    """
    if numbers is Numbers.FP16 or not fits_int8(matrix.shape, scaled):
        return matrix.half()
    peak = matrix.abs().amax(0 if scaled is Scaled.COLUMN else 1, keepdim=True)
    scales = (peak / _TOP).clamp(min=_LEAST_SCALE).bfloat16()
    codes = (matrix / scales.float()).round().clamp(-_TOP, _TOP)  # 127.25 where the scale was rounded down
    return Int8Matrix(codes.to(torch.int8), scales)


def value(kept: Kept) -> Float[Tensor, "rows columns"]:
    """The float32 matrix that stored numbers stand for."""
    if isinstance(kept, Int8Matrix):
        return kept.codes.float() * kept.scales.float()
    return kept.float()


def numbers_of(kept: Kept) -> Numbers:
    """What a matrix was kept in."""
    return Numbers.INT8 if isinstance(kept, Int8Matrix) else Numbers.FP16


def parts(kept: Kept) -> tuple[Tensor, ...]:
    """The tensors that hold it: the numbers, and the scales if it has any."""
    return (kept.codes, kept.scales) if isinstance(kept, Int8Matrix) else (kept,)


def nbytes(kept: Kept) -> int:
    """Bytes of a matrix as it is kept, scales included: on disk as in memory."""
    return sum(tensor.nbytes for tensor in parts(kept))


def raw(tensor: Tensor) -> bytes:
    """The bytes of a tensor's numbers, row by row, as a file holds them."""
    return tensor.reshape(-1).contiguous().view(torch.uint8).numpy().tobytes()


def beside(kept: Kept, columns: Float[Tensor, "rows more"]) -> Kept:
    """Further columns to the right of those that are kept, in the same numbers; the old ones stay.

    For matrices with a scale for each column.
    """
    added = keep(columns, numbers_of(kept))
    if isinstance(kept, Int8Matrix) and isinstance(added, Int8Matrix):
        return Int8Matrix(
            torch.cat([kept.codes, added.codes], dim=1), torch.cat([kept.scales, added.scales], dim=1)
        )
    return torch.cat([*parts(kept), *parts(added)], dim=1)


def begins_with(kept: Kept, first: Kept) -> bool:
    """Whether the left columns of a matrix are those of another, number for number, scales included."""
    return numbers_of(kept) is numbers_of(first) and all(
        mine.shape[0] == theirs.shape[0] and torch.equal(mine[:, : theirs.shape[1]], theirs)
        for mine, theirs in zip(parts(kept), parts(first), strict=True)
    )


def squared_error(kept: Kept, matrix: Float[Tensor, "rows columns"]) -> Float64[Tensor, ""]:
    """||kept - matrix||^2: what rounding costs."""
    return (value(kept).double() - matrix.double()).square().sum()


def fits_int8(shape: Sequence[int], scaled: Scaled) -> bool:
    """Whether int8 saves bytes: a line of n numbers takes n + 2, in fp16 2 n."""
    return (shape[0] if scaled is Scaled.COLUMN else shape[1]) > 2


def bytes_of(rows: int, columns: int, numbers: Numbers, scaled: Scaled = Scaled.COLUMN) -> int:
    """Bytes on disk of a matrix that is kept so, scales included."""
    if numbers is Numbers.FP16 or not fits_int8((rows, columns), scaled):
        return 2 * rows * columns
    return rows * columns + 2 * (columns if scaled is Scaled.COLUMN else rows)


def rank_bytes(rows: int, columns: int, numbers: Numbers) -> int:
    """Bytes of one private rank: a column of up and a row of down."""
    return bytes_of(rows, 1, numbers) + bytes_of(1, columns, numbers, Scaled.ROW)
