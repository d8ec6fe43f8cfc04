"""The hashes other programs know a file by, against their definitions in plain hashlib."""

import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from eigenlorax.formats.hashes import hash_file
from eigenlorax.formats.header import read_header


def test_every_hash_by_its_definition(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"a": torch.randn(700, 900)}, path, {"sshs_model_hash": "ab" * 32})
    data = path.read_bytes()
    header = read_header(path)
    hashes = hash_file(path, header.data_start, header.metadata)
    length = int.from_bytes(data[:8], "little")
    assert hashes.sha256 == hashlib.sha256(data).hexdigest()
    assert hashes.auto_v2 == hashes.sha256[:10]
    assert hashes.addnet == hashlib.sha256(data[8 + length :]).hexdigest()
    assert hashes.auto_v3 == "ab" * 6


@pytest.mark.parametrize(
    ("metadata", "embedded"),
    [
        ({"modelspec.hash_sha256": "0x" + "CD" * 32}, "cd" * 32),
        ({"sshs_model_hash": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}, ""),
        ({"sshs_model_hash": "not a hash"}, ""),
        ({}, ""),
    ],
)
def test_a_claimed_hash_is_believed_only_when_it_can_be_one(
    tmp_path: Path, metadata: dict[str, str], embedded: str
) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"a": torch.ones(3)}, path, metadata)
    header = read_header(path)
    hashes = hash_file(path, header.data_start, header.metadata)
    assert hashes.embedded == embedded
    assert hashes.auto_v3 == (embedded or hashes.addnet)[:12]
