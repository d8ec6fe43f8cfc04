"""Broken and hostile input: a clear sentence or a reading within bounds, never another exception, never long."""

import json
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenlorax.errors import InvalidFileError
from eigenlorax.recall.bounded import MOST_TEXT, number, whole
from eigenlorax.recall.exif import exif_texts
from eigenlorax.recall.read import recall, recall_text
from eigenlorax.recall.recalled import Recalled, hex_of, stem_of
from eigenlorax.recall.restore import Here, restore
from eigenlorax.recall.shelf import Shelved

FOLDER = Path(__file__).parent.parent / "fixtures" / "recall"
FILES = sorted(FOLDER.iterdir())
HERE = Here("model", 1024, "", [Shelved("neon_v2", True), Shelved("chalk", False)])
PNG = b"\x89PNG\r\n\x1a\n"


def drawable(found: Recalled) -> None:
    """Whatever was read makes a request that can be drawn, and text that can be printed."""
    request = restore(found, HERE).request
    if request.prompt.strip():
        request.check()
    json.dumps(dict(found.unread))


def try_file(content: bytes) -> None:
    try:
        found = recall(content, "x.png")
    except InvalidFileError as error:
        assert str(error)
        assert "\n" not in str(error)
    else:
        drawable(found)


WORDS = (FOLDER / "a1111.txt").read_text(encoding="utf-8")
pieces = st.sampled_from(
    ['"', "\\", ",", ":", ": ", "\n", "<lora:", ">", "Negative prompt:", "Steps: 20, ", "Seed: 1e400, ", "Size: 0x0, ",
     "[", "{", "Lora hashes: \"a: e3b0c44298fc\", ", "Eigen styles: {", "Eigen dials: \"{\\\"a\\\": {\\\"unet\\\": 99}}\", ",
     "CFG scale: nan, ", "Clip skip: -3, ", "Hires resize: 9999x1, ", "\0", "é", "٣"]
) | st.text(max_size=6)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(pieces, max_size=30), st.integers(0, len(WORDS)))
def test_texts_with_odd_pieces(parts: list[str], at: int) -> None:
    drawable(recall_text("x " + WORDS[:at] + "".join(parts) + WORDS[at:]))


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"Exif\0\0II*\0\x08\0\0\0"]),
)
def test_exif_of_any_bytes(content: bytes, head: bytes) -> None:
    assert all(isinstance(text, str) for text in exif_texts(head + content).values())


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_a_bomb_is_not_unpacked() -> None:
    bomb = zlib.compress(b"a" * (64 * MOST_TEXT // 4), 9)
    content = PNG + chunk(b"zTXt", b"parameters\0\0" + bomb) + chunk(b"IEND", b"")
    found = recall(content, "bomb.png")
    assert len(found.prompt) <= MOST_TEXT


def test_json_too_deep_or_too_large_is_told_in_words() -> None:
    for words in ('{"a":' * 100_000, '{"nodes":' + "[" * 300 + "]" * 300 + "}"):
        with pytest.raises(InvalidFileError, match=r"should be JSON|nested deeper"):
            recall_text(words)
    with pytest.raises(InvalidFileError, match="more than settings need"):
        recall_text('{"a": "' + "x" * MOST_TEXT + '"}')


@pytest.mark.parametrize(
    "words",
    ["ab: [" * 8_000, 'ab: "' * 8_000, "ab: {\"a\":" * 8_000, "<lora:" * 8_000, "," * 40_000, "a" * 40_000,
     "Steps: 1\n" * 4_000, 'ab: ["x, ab: [",' * 3_000],
)  # fmt: skip
def test_work_grows_with_the_length_alone(words: str) -> None:
    drawable(recall_text(words))


def test_comfy_graphs_that_go_in_circles() -> None:
    ring = {
        str(n): {"class_type": "LoraLoader", "inputs": {"model": [str((n + 1) % 50), 0], "text": [str(n), 0]}}
        for n in range(50)
    }
    ring["s"] = {
        "class_type": "KSampler",
        "inputs": {
            "model": ["0", 0],
            "positive": ["0", 0],
            "latent_image": ["s", 0],
            "steps": ["0", 0],
            "seed": 1,
        },
    }
    ring["t"] = {"class_type": "KSampler", "inputs": {"latent_image": ["s", 0], "cfg": ["t", 0]}}
    ring["s"]["inputs"]["latent_image"] = ["t", 0]
    drawable(recall_text(json.dumps(ring)))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "carries no settings"),
        (PNG + chunk(b"IEND", b""), "carries no settings: messengers and picture sites remove them"),
        (b"\0\1\2", "neither a picture nor a text"),
        (b'{"a": 1}', "this JSON is none that A1111"),
        (b'{"1": {"class_type": "SaveImage", "inputs": {}}}', "has no sampler"),
        (PNG + chunk(b"tEXt", b'prompt\0{"a'), "ComfyUI's prompt should be JSON and is not"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(content: bytes, words: str) -> None:
    with pytest.raises(InvalidFileError, match=words):
        recall(content, "x.png")


def test_numbers_and_hashes_of_strangers() -> None:
    assert [number(x) for x in ("1.5", 2, True, "nan", "1e999", None, [1], "9" * 50)] == [
        1.5,
        2.0,
        *[None] * 6,
    ]
    assert [whole(x) for x in ("7", " -3 ", "7.9", 2.0, 1 << 70, "9" * 30, False, "x")] == [
        7,
        -3,
        7,
        2,
        None,
        None,
        None,
        None,
    ]
    assert hex_of("0xABCDEF0123456789") == "abcdef0123456789"
    assert [hex_of(x) for x in ("e3b0c44298fc", "12345678", "blake3:00112233445566", None, "xyz" * 5)] == [
        ""
    ] * 5
    assert [stem_of(x) for x in ("a/b\\c.safetensors", "v1.5", "x.CKPT", "dir/")] == ["c", "v1.5", "x", "dir"]
