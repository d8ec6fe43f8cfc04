"""A file is hashed once, and again when it has changed."""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from eigenlorax.formats import hashes
from eigenlorax.formats.hashes import FileHashes
from eigenlorax.formats.header import read_header
from eigenlorax.library import hash_book
from eigenlorax.library.hash_book import HashBook


def _write(path: Path, value: float) -> tuple[Path, int, dict[str, str]]:
    save_file({"a": torch.full((4,), value)}, path)
    header = read_header(path)
    return path, header.data_start, dict(header.metadata)


def test_a_file_is_read_once_in_all_lives_of_the_book(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = _write(tmp_path / "a.safetensors", 1.0)
    reads: list[Path] = []

    def counted(path: Path, start: int, metadata: dict[str, str]) -> FileHashes:
        reads.append(path)
        return hashes.hash_file(path, start, metadata)

    monkeypatch.setattr(hash_book, "hash_file", counted)
    first = HashBook(tmp_path / "cache" / "book.jsonl")
    found = first.hash_file(*given)
    assert found == hashes.hash_file(*given)
    assert first.hash_file(*given) == HashBook(tmp_path / "cache" / "book.jsonl").hash_file(*given) == found
    assert reads == [given[0]]
    _write(given[0], 2.0)
    os.utime(given[0], ns=(1, 1))
    assert first.known(given[0]) is None
    assert first.hash_file(*given).sha256 != found.sha256
    assert len(reads) == 2
    # What the file once was is still known by its hash.
    assert HashBook(tmp_path / "cache" / "book.jsonl").of_sha256(found.sha256) == found


def test_short_hashes_are_a1111s_or_else_forges(tmp_path: Path) -> None:
    book = HashBook(tmp_path / "book.jsonl")
    given = _write(tmp_path / "a.safetensors", 1.0)
    found = book.hash_file(*given)
    assert book.short(found.sha256) == found.addnet[:12]
    assert book.short("ab" * 32) == "ab" * 6
    assert book.short("") == ""


def test_damaged_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    found = HashBook(path).hash_file(*_write(tmp_path / "a.safetensors", 1.0))
    path.write_bytes(b"[1, 2\n{}\n\xff\n[]\n" + path.read_bytes() + b'["cut')
    book = HashBook(path)
    assert book.of_sha256(found.sha256) == found
