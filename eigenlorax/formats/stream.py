"""A safetensors file written one tensor at a time, with the hashes of its content in its own header.

The files are those that the safetensors library writes, byte for byte apart from the order of the
metadata, which that library leaves to chance: sorted here, so that the same content is the same file.
Writing here keeps one tensor in memory instead of all, and lets the header hold a hash of what follows it.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

#: The library puts wide types first, by this order, so that every tensor is aligned.
_SPELLING = {
    torch.int64: "I64", torch.float64: "F64", torch.float32: "F32", torch.int32: "I32",
    torch.bfloat16: "BF16", torch.float16: "F16", torch.int16: "I16", torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip
_ORDER = tuple(_SPELLING)
_LEGACY_BEGIN, _LEGACY_END = 0x100000, 0x110000
_HASH_KEYS = {"sshs_model_hash": "", "sshs_legacy_hash": "", "modelspec.hash_sha256": "0x"}


@dataclass(frozen=True)
class Entry:
    """What a file will hold under a name."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes."""
        return prod(self.shape) * self.dtype.itemsize


def in_file_order(entries: Iterable[Entry]) -> list[Entry]:
    """Entries as they lie in the file: by type, then by name."""
    return sorted(entries, key=lambda entry: (_ORDER.index(entry.dtype), entry.name))


def header_bytes(entries: Sequence[Entry], metadata: Mapping[str, str]) -> bytes:
    """Length and header of a file that holds `entries` in their order, padded to a multiple of eight."""
    content: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))} if metadata else {}
    position = 0
    for entry in entries:
        content[entry.name] = {
            "dtype": _SPELLING[entry.dtype],
            "shape": list(entry.shape),
            "data_offsets": [position, position + entry.size],
        }
        position += entry.size
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def file_size(entries: Sequence[Entry], metadata: Mapping[str, str], *, hashed: bool) -> int:
    """Bytes of a file before it is written; `hashed` for one that `write_hashed` writes."""
    if hashed:
        metadata = _stamped(metadata, "0" * 64, "0" * 8)
    return len(header_bytes(entries, metadata)) + sum(entry.size for entry in entries)


def write_stream(
    path: Path, entries: Sequence[Entry], metadata: Mapping[str, str], tensor: Callable[[str], Tensor]
) -> None:
    """Write a file.

    Args:
        path: Replaced when it is there.
        entries: In file order.
        metadata: For the header.
        tensor: Asked for each entry once, in order; what it gives is cast to the entry's type.
    """
    with path.open("wb") as file:
        file.write(header_bytes(entries, metadata))
        for entry in entries:
            file.write(_raw(tensor(entry.name), entry))


def write_hashed(
    path: Path, entries: Sequence[Entry], metadata: Mapping[str, str], tensor: Callable[[str], Tensor]
) -> None:
    """Write a file whose header holds sshs_model_hash, sshs_legacy_hash and modelspec.hash_sha256.

    The header is written twice: its length does not depend on what the hashes turn out to be.

    Source: kohya-ss/sd-scripts, precalculate_safetensors_hashes: both hashes are those of a file with the
        same tensors and only the `ss_` part of the metadata; the first skips the header, the second covers
        64 KiB at 1 MiB.
    """
    trained = {key: value for key, value in metadata.items() if key.startswith("ss_")}
    head = header_bytes(entries, trained)
    body, legacy = hashlib.sha256(), hashlib.sha256(head[_LEGACY_BEGIN:_LEGACY_END])
    position = len(head)
    with path.open("wb") as file:
        file.write(header_bytes(entries, _stamped(metadata, "0" * 64, "0" * 8)))
        for entry in entries:
            raw = _raw(tensor(entry.name), entry)
            file.write(raw)
            body.update(raw)
            legacy.update(raw[max(0, _LEGACY_BEGIN - position) : max(0, _LEGACY_END - position)])
            position += len(raw)
        file.seek(0)
        file.write(header_bytes(entries, _stamped(metadata, body.hexdigest(), legacy.hexdigest()[:8])))


def _stamped(metadata: Mapping[str, str], model: str, legacy: str) -> dict[str, str]:
    hashes = dict.fromkeys(_HASH_KEYS, model) | {"sshs_legacy_hash": legacy}
    return {**metadata, **{key: _HASH_KEYS[key] + value for key, value in hashes.items()}}


def _raw(tensor: Tensor, entry: Entry) -> bytes:
    if tuple(tensor.shape) != entry.shape:
        raise ValueError(f"{entry.name} has shape {tuple(tensor.shape)}, not {entry.shape}")
    ready = tensor.detach().to("cpu", entry.dtype).contiguous().flatten()
    return ready.view(torch.uint8).numpy().tobytes()
