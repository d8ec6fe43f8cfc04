"""Hostile LoRA files: what tests.fuzz asks of every parser, and what only a LoRA can lie about."""

import json
import struct
import tracemalloc
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.header import MAX_HEADER_BYTES, read_header
from eigenlorax.formats.report import ImportReport, Verdict
from eigenlorax.runtime.sdxl import BaseModel
from tests import tiny

LIMIT = 64 * 1024 * 1024


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, base: BaseModel) -> bytes:
    path = tmp_path_factory.mktemp("good") / "x.safetensors"
    tiny.write_lora(path, tiny.lora(base.layout, "x", 2), metadata={"modelspec.title": "x"})
    return path.read_bytes()


def read_all(base: BaseModel, path: Path) -> ImportReport:
    """Everything that an import does with a file; StudioError is the only way out besides a report."""
    reader = tiny.reader(base)
    report = reader.verify(path)
    if report.usable:
        lora = reader.open(path)
        for module in lora.layers:
            assert bool(lora.layers[module].up.isfinite().all())
    return report


@settings(max_examples=60, deadline=2000)
@given(cut=st.floats(0, 1))
def test_a_truncated_file_is_always_refused(
    tmp_path_factory: pytest.TempPathFactory, base: BaseModel, good: bytes, cut: float
) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.safetensors"
    path.write_bytes(good[: int(cut * (len(good) - 1))])
    report = read_all(base, path)
    assert report.verdict is Verdict.BROKEN
    assert report.reason


@settings(max_examples=100, deadline=2000)
@given(data=st.binary(max_size=300))
def test_noise_is_refused(tmp_path_factory: pytest.TempPathFactory, base: BaseModel, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.safetensors"
    path.write_bytes(data)
    assert read_all(base, path).verdict is Verdict.BROKEN


NUMBERS = st.one_of(st.integers(-(2**70), 2**70), st.floats(), st.none(), st.text(max_size=3), st.booleans())
ENTRY = st.fixed_dictionaries({
    "dtype": st.one_of(st.sampled_from(["F32", "F16", "BF16", "I64", "BOOL", "F8_E4M3"]), NUMBERS),
    "shape": st.one_of(st.lists(st.one_of(st.integers(0, 4), NUMBERS), max_size=4), NUMBERS),
    "data_offsets": st.one_of(st.lists(st.one_of(st.integers(0, 64), NUMBERS), max_size=3), NUMBERS),
})  # fmt: skip


@settings(max_examples=200, deadline=2000)
@given(
    header=st.dictionaries(
        st.sampled_from(["a", "b", "__metadata__", "x.lora_down.weight", "x.alpha"]), ENTRY, max_size=4
    ),
    length=st.integers(0, 64),
)
def test_headers_that_lie(
    tmp_path_factory: pytest.TempPathFactory, base: BaseModel, header: dict[str, object], length: int
) -> None:
    raw = json.dumps(header).encode()
    path = tmp_path_factory.getbasetemp() / "lies.safetensors"
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + bytes(length))
    assert read_all(base, path).verdict in Verdict


def test_a_huge_header_is_not_taken_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "huge.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 100_000_000) + b"{")
        file.truncate(100_000_100)
    tracemalloc.start()
    with pytest.raises(InvalidFileError, match="over the limit"):
        read_header(path)
    assert tracemalloc.get_traced_memory()[1] < LIMIT
    tracemalloc.stop()
    assert MAX_HEADER_BYTES < 100_000_000


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    raw = b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    path = tmp_path / "deep.safetensors"
    path.write_bytes(struct.pack("<Q", len(raw)) + raw)
    with pytest.raises(InvalidFileError):
        read_header(path)


@pytest.mark.parametrize("alpha", [float("nan"), float("inf"), -3.0, 0.0])
def test_odd_alphas(tmp_path: Path, base: BaseModel, good: bytes, alpha: float) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(good)
    tensors = load_file(path)
    # Not the first layer: that one is read by the type checker of the test run itself.
    key = [key for key in tensors if key.endswith(".alpha")][-1]
    tensors[key] = torch.tensor(alpha)
    path.write_bytes(save(tensors))
    report = read_all(base, path)
    assert report.usable == (alpha in (-3.0, 0.0))


def test_an_update_without_bound_is_refused(tmp_path: Path, base: BaseModel, good: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(good)
    tensors = load_file(path)
    for key in [key for key in tensors if "lora_" in key][-2:]:
        tensors[key] = torch.full_like(tensors[key], 3e38)
    path.write_bytes(save(tensors))
    report = read_all(base, path)
    assert report.verdict is Verdict.BROKEN
    assert "too large" in report.reason
