"""Files that are well-formed, their checksums right, and meant to harm."""

import hashlib
import json
import stat
import struct
import zipfile
import zlib
from dataclasses import replace
from io import BytesIO
from random import Random

from eigenlorax.formats.png_chunks import read_chunks
from eigenlorax.library.card_content import inflated, joined, split
from eigenlorax.library.style_card import CHUNK
from eigenlorax.recall.bounded import MOST_TEXT
from tests.fuzz.damage import damaged, lied, lying
from tests.fuzz.ground import FIXTURES, Ground, chunk, png_with

_NAMES = ("..", ".", "", "/", "\\", "C:", "CON", "nul.safetensors", "COM1.json", "aux", "a.", "a ", "a\u202e", "é" * 130,
          "x.safetensors", "x.json", "deep", "~", "$HOME", "a:b.png", "x\r\n.txt", "LPT9 .png", "x.pt")  # fmt: skip


def archive(ground: Ground, chance: Random) -> bytes:
    """A zip whose entries have names that lead elsewhere, are links, say wrong sizes, or unpack without end."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as made:
        for _ in range(chance.choice((1, 2, 5))):
            name = "/".join(chance.choice(_NAMES) for _ in range(chance.choice((1, 2, 3))))
            info = zipfile.ZipInfo(name + chance.choice(("", ".safetensors", ".json", ".png")))
            if chance.random() < 0.2:
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
            content = chance.choice(
                (b"/etc/passwd", b"../../up", ground.made("embeddings")[0], b"\x80\x02K\x01.")
            )
            if chance.random() < 0.1:
                content = bytes(1 << 25)
            made.writestr(info, content, zipfile.ZIP_DEFLATED if len(content) > 1 << 20 else None)
    content = packed.getvalue()
    return damaged(content, [content], chance) if chance.random() < 0.3 else content


def card(ground: Ground, chance: Random) -> bytes:
    """A card whose words lie, with the right checksum."""
    path = ground.scratch / "lie.png"
    path.write_bytes(chance.choice(ground.made("cards")))
    facts, packed = split("x", read_chunks(path, CHUNK, 1 << 24))
    payload = lied(inflated("x", packed, facts), [], chance)
    told = facts.payload_bytes if chance.random() < 0.1 else len(payload)
    facts = replace(facts, payload_bytes=told, sha256=hashlib.sha256(payload).hexdigest())
    content = joined(facts, payload)
    if chance.random() < 0.3:
        length = int.from_bytes(content[1:5], "little")
        about = lying(content[5 : 5 + length], chance) or b""
        content = content[:1] + len(about).to_bytes(4, "little") + about + content[5 + length :]
    return png_with(chunk(CHUNK, content))


_GOLDEN = [
    *(json.loads(path.read_text("utf-8")) for path in sorted((FIXTURES / "recall").glob("*.json"))),
    {"sui_image_params": {"prompt": "x", "loras": ["a"], "seed": 1, "steps": 2}},
    {
        "base_model": "b",
        "guidance_scale": 4,
        "loras": [["a", 1, "0" * 10]],
        "resolution": "(1, 2)",
        "prompt": "x",
    },
    {"uc": "", "scale": 1, "prompt": "x"},
    {"c": "x", "uc": "", "lora": [{"model": "a", "weight": 1}]},
]
_PIECES = (
    '"', "\\", ",", ": ", "\n", "<lora:", ">", "Negative prompt:", "Steps: 20, ", "Seed: 1e400, ", "Size: 0x0, ", "[", "{",
    'Lora hashes: "a: e3b0c44298fc", ', "Eigen styles: {", 'Eigen dials: "{\\"a\\": {\\"unet\\": 99}}", ', "\0", "é", "٣",
    "CFG scale: nan, ", "Clip skip: -3, ", "Hires resize: 9999x1, ", "ab: [" * 3000, "<lora:" * 3000, "a" * 40_000,
    "Steps: 1\n" * 2000, "9" * 5000, f"Seed: {'9' * 5000}, ",
)  # fmt: skip


def told_text(_: Ground, chance: Random) -> bytes:
    """Settings of any of the programs with something else in a place, or an infotext with odd pieces."""
    if chance.random() < 0.5:
        return lying(json.dumps(chance.choice(_GOLDEN)).encode(), chance) or b""
    words = (FIXTURES / "recall" / "a1111.txt").read_text("utf-8")
    at = chance.randrange(len(words))
    return (words[:at] + "".join(chance.choices(_PIECES, k=chance.randrange(1, 9))) + words[at:]).encode()


def told_picture(ground: Ground, chance: Random) -> bytes:
    """The same inside a picture, in any of the places where programs put it, or too much of it."""
    text = told_text(ground, chance)
    if chance.random() < 0.05:
        text = b"a" * (16 * MOST_TEXT)
    key = chance.choice(
        (b"parameters", b"prompt", b"workflow", b"invokeai_metadata", b"Comment", b"UserComment")
    )
    kinds = {
        b"tEXt": key + b"\0" + text,
        b"zTXt": key + b"\0\0" + zlib.compress(text, 9),
        b"iTXt": key + b"\0\1\0\0\0" + zlib.compress(text, 9),
        b"eXIf": chance.choice((b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08")) + chance.randbytes(60) + text[:2000],
    }
    kind = chance.choice(sorted(kinds))
    named = [chunk(b"tEXt", b"Software\0NovelAI")] if chance.random() < 0.2 else []
    return png_with(*named, chunk(kind, kinds[kind]))


def bomb(_: Ground, chance: Random) -> bytes:
    """A picture of a few hundred bytes that says it is as large as its format can tell, or nearly."""
    side = chance.choice((5000, 9000, 13_000, 30_000, 2**31 - 1, 0))
    head = struct.pack(
        ">IIBBBBB", side, chance.choice((1, side)), *chance.choice(((8, 2), (16, 6), (1, 0))), 0, 0, 0
    )
    pixels = zlib.compress(bytes(1 << 20), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
