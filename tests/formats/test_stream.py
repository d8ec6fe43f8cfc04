"""Our files are the safetensors library's files, and their hashes are those of kohya's trainer."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save
from torch import Tensor

from eigenlorax.formats.header import read_header
from eigenlorax.formats.stream import Entry, file_size, in_file_order, write_hashed, write_stream
from eigenlorax.formats.tensors import save_tensors


def _tensors(count: int = 5, size: int = 3) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(1)
    kinds = (torch.float16, torch.float32, torch.bfloat16)
    tensors = {f"x_{i}.ü{i}": torch.randn(size, i + 1, generator=draw).to(kinds[i % 3]) for i in range(count)}
    return tensors | {"scalar": torch.tensor(2.0), "count": torch.tensor([3]), "empty": torch.zeros(0, 4)}


def _entries(tensors: dict[str, Tensor]) -> list[Entry]:
    return in_file_order(Entry(name, t.dtype, tuple(t.shape)) for name, t in tensors.items())


@pytest.mark.parametrize("metadata", [{}, {"note": 'quotes " and\nlines, \u00e9\u4e2d\x7f\x01'}])
def test_byte_for_byte_what_the_library_writes(tmp_path: Path, metadata: dict[str, str]) -> None:
    tensors, path = _tensors(), tmp_path / "x.safetensors"
    write_stream(path, _entries(tensors), metadata, tensors.__getitem__)
    assert path.read_bytes() == save(tensors, metadata or None)
    assert path.stat().st_size == file_size(_entries(tensors), metadata, hashed=False)


def test_every_type_lies_where_the_library_lays_it(tmp_path: Path) -> None:
    numbers, path = torch.arange(12).view(3, 4), tmp_path / "x.safetensors"
    kinds = [
        torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2,
        torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool,
    ]  # fmt: skip
    tensors = {f"{place}{kind}": numbers.to(kind, copy=True) for place in "ba" for kind in kinds}
    save_tensors(tensors | {"turned": numbers.T}, path, {"one": "pair"})
    assert path.read_bytes() == save(tensors | {"turned": numbers.T.contiguous()}, {"one": "pair"})


def test_the_same_content_is_the_same_file_in_every_process(tmp_path: Path) -> None:
    """Twenty pairs: by chance two processes would agree on their order once in 20! times."""
    code = (
        "import sys, torch; from pathlib import Path; from eigenlorax.formats.tensors import save_tensors\n"
        "keys = [f'key {i}' for i in {*range(20)}][:: int(sys.argv[2])]\n"
        "save_tensors({'x': torch.ones(2)}, Path(sys.argv[1]), dict.fromkeys(keys, 'value'))"
    )
    digests = set()
    for order in ("1", "-1"):
        path = tmp_path / f"{order}.safetensors"
        subprocess.run([sys.executable, "-c", code, path, order], check=True)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1
    assert list(read_header(path).metadata) == sorted(f"key {i}" for i in range(20))


@pytest.mark.parametrize("size", [3, 60_000], ids=["small", "over 1 MiB"])
def test_hashes_are_those_of_sd_scripts(tmp_path: Path, size: int) -> None:
    """Computed as its precalculate_safetensors_hashes does: on the same tensors with ss_ metadata only."""
    tensors, path = _tensors(size=size), tmp_path / "x.safetensors"
    metadata = {"ss_network_dim": "4", "ss_tag": '{"a": 1}', "modelspec.title": "t", "other": "o"}
    write_hashed(path, _entries(tensors), metadata, tensors.__getitem__)
    trained = save(tensors, {key: value for key, value in metadata.items() if key.startswith("ss_")})
    body = trained[8 + int.from_bytes(trained[:8], "little") :]
    written = read_header(path).metadata
    assert written["sshs_model_hash"] == hashlib.sha256(body).hexdigest()
    assert written["sshs_legacy_hash"] == hashlib.sha256(trained[0x100000:0x110000]).hexdigest()[:8]
    assert written["modelspec.hash_sha256"] == "0x" + written["sshs_model_hash"]
    assert path.stat().st_size == file_size(_entries(tensors), metadata, hashed=True)
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in load_file(path).items())


def test_a_tensor_of_another_shape_is_no_silent_mistake(tmp_path: Path) -> None:
    entries = [Entry("x", torch.float32, (2, 3))]
    with pytest.raises(ValueError, match="x has shape"):
        write_stream(tmp_path / "x.safetensors", entries, {}, {"x": torch.zeros(3, 2)}.__getitem__)
