"""Many small matrices in three tensors: a header that names each of them would outweigh the numbers.

`halves` holds the numbers of all fp16 matrices, `codes` those of all int8 ones and `scales` their scales,
matrix after matrix, each row by row. Shapes are not repeated here: whoever reads knows them.
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from eigenlorax.errors import InvalidFileError
from eigenlorax.subspace.numbers import Int8Matrix, Kept, Numbers, Scaled, fits_int8

HALVES, CODES, SCALES = PACKED_NAMES = ("halves", "codes", "scales")


def pack(matrices: Iterable[Kept]) -> dict[str, Tensor]:
    """The tensors that hold these matrices; one that would be empty is left out."""
    rows: dict[str, list[Tensor]] = {name: [] for name in PACKED_NAMES}
    for matrix in matrices:
        if isinstance(matrix, Int8Matrix):
            rows[CODES].append(matrix.codes.flatten())
            rows[SCALES].append(matrix.scales.flatten())
        else:
            rows[HALVES].append(matrix.flatten())
    packed = {name: torch.cat(parts) for name, parts in rows.items() if parts}
    return {name: tensor for name, tensor in packed.items() if tensor.numel()}


class Unpacker:
    """Gives packed matrices back, in the order in which they were packed.

    Args:
        file_name: For messages.
        packed: What `pack` made.

    Raises:
        InvalidFileError: a tensor has not the type it should have.
    """

    def __init__(self, file_name: str, packed: Mapping[str, Tensor]) -> None:
        self._file_name = file_name
        self._tensors: dict[str, Tensor] = {}
        self._places = dict.fromkeys(PACKED_NAMES, 0)
        for name, dtype in zip(PACKED_NAMES, (torch.float16, torch.int8, torch.bfloat16), strict=True):
            tensor = packed.get(name, torch.zeros(0, dtype=dtype))
            if tensor.dtype is not dtype or tensor.dim() != 1:
                raise InvalidFileError(f"{file_name} is damaged: {name} is no row of {dtype} numbers")
            self._tensors[name] = tensor

    def take(
        self, rows: int, columns: int, numbers: Numbers, scaled: Scaled = Scaled.COLUMN, of: str = ""
    ) -> Kept:
        """The next matrix.

        Args:
            rows, columns: Its shape.
            numbers, scaled: As it was kept.
            of: What it is, for messages.

        Raises:
            InvalidFileError: the file holds fewer numbers, or the shape is none.
        """
        if numbers is Numbers.FP16 or not fits_int8((rows, columns), scaled):
            return self._next(HALVES, rows, columns, of)
        scales = (1, columns) if scaled is Scaled.COLUMN else (rows, 1)
        return Int8Matrix(self._next(CODES, rows, columns, of), self._next(SCALES, *scales, of))

    def finish(self) -> None:
        """Say that everything was taken.

        Raises:
            InvalidFileError: numbers are left over.
        """
        if any(self._places[name] != tensor.numel() for name, tensor in self._tensors.items()):
            raise InvalidFileError(f"{self._file_name} is damaged: it holds more numbers than it has use for")

    def _next(self, name: str, rows: int, columns: int, of: str) -> Tensor:
        start = self._places[name]
        numbers = self._tensors[name][start : start + rows * columns]
        if min(rows, columns) < 0 or numbers.numel() != rows * columns:
            raise InvalidFileError(f"{self._file_name} is damaged: it ends inside {of}")
        self._places[name] += rows * columns
        return numbers.view(rows, columns)
