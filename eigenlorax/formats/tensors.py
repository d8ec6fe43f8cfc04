"""Tensors read one by one from a checked safetensors file, and written whole.

Reads into memory of its own rather than mapping the file: mapped pages of a whole collection count as the
program's memory, and a mapped file that another program truncates kills the process instead of failing.
"""

from collections.abc import Mapping
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.header import Header
from eigenlorax.formats.stream import Entry, in_file_order, write_stream

_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "I64": torch.int64, "I32": torch.int32,
    "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip


class TensorFile:
    """One safetensors file whose header has been checked.

    Args:
        path: The file.
        header: Of the file as it is now.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self.path = path
        self._header = header
        self._buffer = bytearray()

    def read(self, name: str) -> Tensor:
        """One tensor in float32, in memory of its own.

        All tensors pass through one buffer: a fresh one for each would leave holes between those that stay.

        Raises:
            KeyError: the header has no such name.
            InvalidFileError: the file was shortened or removed since its header was read.
        """
        info = self._header.tensors[name]
        size = info.end - info.begin
        if len(self._buffer) < size:
            self._buffer = bytearray(size)
        try:
            with self.path.open("rb") as file:
                file.seek(self._header.data_start + info.begin)
                count = file.readinto(memoryview(self._buffer)[:size])
        except OSError as error:
            raise InvalidFileError(f"{self.path} cannot be read any more ({error.strerror})") from error
        if count != size:
            raise InvalidFileError(f"{self.path.name} was changed while it was read: import it again")
        dtype = _DTYPES[info.dtype]
        if not size:
            return torch.empty(info.shape)
        raw = torch.frombuffer(self._buffer, dtype=dtype, count=prod(info.shape))
        return raw.to(torch.float32, copy=True).reshape(info.shape)


def save_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str]) -> None:
    """Write a safetensors file; the same input gives the same bytes.

    Raises:
        OSError: as the disk says.
    """
    entries = (Entry(name, tensor.dtype, tuple(tensor.shape)) for name, tensor in tensors.items())
    write_stream(path, in_file_order(entries), metadata, tensors.__getitem__)
