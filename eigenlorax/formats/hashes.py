"""The hashes that A1111, Forge, ComfyUI managers and Civitai know a LoRA file by."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1 << 20
#: SHA-256 of nothing, which some trainers wrote by mistake: it names no file.
_OF_NOTHING = "e3b0c44298fc"
_EMBEDDED_KEYS = ("sshs_model_hash", "modelspec.hash_sha256")


@dataclass(frozen=True)
class FileHashes:
    """Hashes of one file, hex.

    Attributes:
        sha256: Of the whole file; Civitai's SHA256.
        addnet: SHA-256 of the tensor bytes alone: metadata may change, this stays.
        embedded: The tensor hash that the header claims; empty when there is none or it is known to be void.
    """

    sha256: str
    addnet: str
    embedded: str

    @property
    def auto_v2(self) -> str:
        """First ten digits of the whole file's hash: A1111's short hash of checkpoints, Civitai's AutoV2."""
        return self.sha256[:10]

    @property
    def auto_v3(self) -> str:
        """First twelve digits of the tensor hash, the header's word first: Civitai's AutoV3."""
        return (self.embedded or self.addnet)[:12]


def embedded_hash(metadata: Mapping[str, str]) -> str:
    """The tensor hash in a header, without its `0x`; empty when absent, void or not hexadecimal.

    Source: kohya-ss/sd-scripts (sshs_model_hash), modelspec 1.0.1 (hash_sha256).
    """
    for key in _EMBEDDED_KEYS:
        text = metadata.get(key, "").strip().lower().removeprefix("0x")
        if len(text) >= 12 and set(text) <= set("0123456789abcdef") and not text.startswith(_OF_NOTHING):
            return text
    return ""


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_file(path: Path, data_start: int, metadata: Mapping[str, str]) -> FileHashes:
    """Hash a file in one pass.

    Args:
        path: A checked safetensors file.
        data_start: Where its tensor bytes begin.
        metadata: Of its header.
    """
    whole, tensors = hashlib.sha256(), hashlib.sha256()
    with path.open("rb") as file:
        whole.update(file.read(data_start))
        while chunk := file.read(_CHUNK):
            whole.update(chunk)
            tensors.update(chunk)
    return FileHashes(whole.hexdigest(), tensors.hexdigest(), embedded_hash(metadata))
