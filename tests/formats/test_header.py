"""A safetensors header is believed in nothing that the file does not bear out."""

import json
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats import header
from eigenlorax.formats.header import read_header

GOOD = save({"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(4, dtype=torch.float16)}, {"k": "v"})


def _write(folder: Path, content: bytes) -> Path:
    path = folder / "x.safetensors"
    path.write_bytes(content)
    return path


def _with_header(header: object, data: bytes = b"") -> bytes:
    raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def test_names_shapes_and_metadata_are_read(tmp_path: Path) -> None:
    header = read_header(_write(tmp_path, GOOD))
    assert header.shapes == {"a": (2, 3), "b": (4,)}
    assert header.metadata == {"k": "v"}
    assert header.tensors["b"].dtype == "F16"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"hello, I am a text file named .safetensors", "not a safetensors file"),
        (GOOD[:-5], "truncated"),
        (GOOD[:20], "truncated"),
        (GOOD + b"more", "does not name"),
        (b"PK\x03\x04" + bytes(40), "zip"),
        (b"\x80\x02" + bytes(40), "pickle"),
        (struct.pack("<Q", 10) + b"not json!!", "no JSON"),
        (_with_header([1, 2]), "not an object"),
        (_with_header({"a": {"dtype": "F99", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)), "F99"),
        (
            _with_header({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, bytes(4)),
            "does not fit",
        ),
        (
            _with_header({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, bytes(4)),
            "whole numbers",
        ),
        (_with_header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, bytes(8)), "gap"),
        (_with_header({"__metadata__": {"a": 1}}), "__metadata__"),
        (_with_header({"a": 3}), "not described"),
    ],
)
def test_bad_files_are_refused_with_the_reason(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(InvalidFileError, match=words):
        read_header(_write(tmp_path, content))


def test_a_name_given_twice_is_refused(tmp_path: Path) -> None:
    entry = b'{"dtype":"U8","shape":[1],"data_offsets":[0,1]}'
    raw = b'{"a":' + entry + b',"a":' + entry + b"}"
    with pytest.raises(InvalidFileError, match="twice"):
        read_header(_write(tmp_path, struct.pack("<Q", len(raw)) + raw + b"\0"))


def test_a_folder_and_a_missing_path_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="folder"):
        read_header(tmp_path)
    with pytest.raises(InvalidFileError, match="does not exist"):
        read_header(tmp_path / "nothing.safetensors")


@settings(max_examples=300, deadline=None)
@given(position=st.integers(0, len(GOOD) - 1), value=st.integers(0, 255), cut=st.integers(0, len(GOOD)))
def test_a_damaged_file_is_read_or_refused_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, position: int, value: int, cut: int
) -> None:
    content = bytearray(GOOD[: max(cut, position + 1)])
    content[position] = value
    path = _write(tmp_path_factory.getbasetemp(), bytes(content))
    try:
        header = read_header(path)
    except InvalidFileError as error:
        assert "x.safetensors" in str(error)
    else:
        assert header.data_start + max(t.end for t in header.tensors.values()) == len(content)


def _raw(path: Path, text: str, data: bytes = bytes(8)) -> Path:
    path.write_bytes(len(text.encode()).to_bytes(8, "little") + text.encode() + data)
    return path


_ENTRY = '"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'


def test_a_table_that_is_known_is_not_checked_again_but_never_passes_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []
    parse = header._parse_json

    def counted(name: str, raw: bytes) -> dict[str, object]:
        parsed.append(name)
        return parse(name, raw)

    monkeypatch.setattr(header, "_parse_json", counted)
    monkeypatch.setattr(header, "_TABLES", {})
    sound = '{"__metadata__":{"title":"%s"},' + _ENTRY + "}"
    first = header.read_header(_raw(tmp_path / "1", sound % "one"))
    second = header.read_header(_raw(tmp_path / "2", sound % "täglich \\u00e9 }"))
    assert parsed == ["1"]
    assert (second.tensors, second.metadata) == (first.tensors, {"title": "täglich é }"})
    assert header.read_header(tmp_path / "2").data_start == second.data_start
    # The same text with other data, cut metadata, a second title, a title that is no text, or a word behind.
    wrong = {
        "short": (sound % "one", bytes(4)),
        "long": (sound % "one", bytes(12)),
        "twice": ('{"__metadata__":{"title":"a","title":"b"},' + _ENTRY + "}", bytes(8)),
        "number": ('{"__metadata__":{"title":1},' + _ENTRY + "}", bytes(8)),
        "behind": ('{"__metadata__":{"title":"a"} 1,' + _ENTRY + "}", bytes(8)),
        "inside": ('{"__metadata__":"{\\"title\\":1},' + _ENTRY + "}", bytes(8)),
    }
    for name, (text, data) in wrong.items():
        with pytest.raises(InvalidFileError):
            header.read_header(_raw(tmp_path / name, text, data))
