"""The header of a safetensors file, read without touching a weight and trusted in nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from eigenlorax.errors import InvalidFileError

MAX_HEADER_BYTES = 64 * 1024 * 1024
DTYPE_BYTES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1,
    "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip
_FOREIGN_STARTS = {
    b"PK\x03\x04": "a zip archive or a pickled checkpoint (.pt, .ckpt)",
    b"\x80\x02": "a Python pickle",
    b"\x80\x04": "a Python pickle",
    b"GGUF": "a GGUF file",
    b"\x89PNG": "a PNG picture",
}


@dataclass(frozen=True)
class TensorInfo:
    """What a header says of one tensor: dtype in safetensors' spelling, shape, byte span."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Header:
    """A checked safetensors header: every byte span lies inside the file and fits its shape."""

    metadata: Mapping[str, str]
    tensors: Mapping[str, TensorInfo]
    data_start: int
    file_size: int

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Tensor name -> shape."""
        return {name: info.shape for name, info in self.tensors.items()}


def read_header(path: Path) -> Header:
    """Read and check the header of the safetensors file at `path`.

    Raises:
        InvalidFileError: not a regular file, empty, not safetensors, truncated, or a header whose
            sizes, offsets, dtypes or names contradict each other or the file.

    Source: https://github.com/huggingface/safetensors (format section).
    """
    if path.is_dir():
        raise InvalidFileError(f"{path.name} is a folder: choose the .safetensors files inside it")
    if not path.is_file():
        raise InvalidFileError(f"{path} does not exist or is not a regular file: check the path")
    size = path.stat().st_size
    if size == 0:
        raise InvalidFileError(f"{path.name} is empty (0 bytes): download or export it again")
    with path.open("rb") as file:
        start = file.read(9)
        if start[8:] != b"{":
            _refuse_foreign(path.name, start)
        length = int.from_bytes(start[:8], "little")
        if length > MAX_HEADER_BYTES and length < size:
            raise InvalidFileError(
                f"{path.name} declares a header of {length} bytes, over the limit of {MAX_HEADER_BYTES}"
            )
        if len(start) < 9 or length < 2 or 8 + length > size:
            raise InvalidFileError(
                f"{path.name} is not a safetensors file, or it is truncated: its first 8 bytes ask "
                f"for more than its {size} bytes; download or export it again"
            )
        raw = start[8:] + file.read(length - 1)
    content = _parse_json(path.name, raw)
    metadata = content.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise InvalidFileError(f"{path.name}: the __metadata__ entry of its header is not text to text")
    tensors = {name: _tensor_info(path.name, name, entry) for name, entry in content.items()}
    _check_spans(path.name, tensors, data_bytes=size - 8 - length)
    return Header(metadata, tensors, data_start=8 + length, file_size=size)


def _refuse_foreign(name: str, start: bytes) -> None:
    for magic, kind in _FOREIGN_STARTS.items():
        if start.startswith(magic):
            raise InvalidFileError(
                f"{name} is {kind}, not a safetensors file; pickles are never opened: "
                "convert it to .safetensors with a tool you trust"
            )


def _parse_json(name: str, raw: bytes) -> dict[str, Any]:
    def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if len(set(keys)) != len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise InvalidFileError(f"{name}: the header names {twice!r} twice")
        return dict(pairs)

    try:
        content = json.loads(raw.decode("utf-8"), object_pairs_hook=no_duplicates)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InvalidFileError(
            f"{name} is not a safetensors file: where its header should be there is no JSON"
        ) from error
    if not isinstance(content, dict):
        raise InvalidFileError(f"{name}: its header is JSON but not an object; export the file again")
    return content


def _tensor_info(file_name: str, name: str, entry: Any) -> TensorInfo:
    where = f"{file_name}: tensor {name!r}"
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise InvalidFileError(f"{where} is not described by dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if dtype not in DTYPE_BYTES:
        raise InvalidFileError(f"{where} has the unknown dtype {dtype!r}")
    if not _is_sizes(shape) or not _is_sizes(offsets) or len(offsets) != 2:
        raise InvalidFileError(f"{where} has a shape or offsets that are not whole numbers >= 0")
    if offsets[1] - offsets[0] != prod(shape) * DTYPE_BYTES[dtype]:
        raise InvalidFileError(f"{where} has a shape that does not fit its byte span")
    return TensorInfo(dtype, tuple(shape), offsets[0], offsets[1])


def _is_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(v) is int and v >= 0 for v in value)


def _check_spans(name: str, tensors: Mapping[str, TensorInfo], data_bytes: int) -> None:
    position = 0
    for key, info in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if info.begin != position:
            raise InvalidFileError(f"{name}: tensor {key!r} overlaps another or leaves a gap")
        position = info.end
    if position > data_bytes:
        raise InvalidFileError(
            f"{name} is truncated: its header promises {position} bytes of weights, "
            f"the file holds {data_bytes}; download it again"
        )
    if position < data_bytes:
        raise InvalidFileError(f"{name} holds {data_bytes - position} bytes that its header does not name")
