"""A picture gives back the style that it carries, number for number, or says in words why not."""

import hashlib
import json
import random
import zlib
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save
from torch import Tensor

from eigenlorax.errors import InvalidFileError, InvalidRequestError, SubspaceMismatchError
from eigenlorax.events import drain
from eigenlorax.formats.png_chunks import is_png, read_chunks
from eigenlorax.library import style_card
from eigenlorax.library.card_content import MAX_PAYLOAD_BYTES, CardKind, joined
from eigenlorax.library.style_card import CHUNK, pack_card, read_card, save_card
from eigenlorax.library.style_file import style_parts
from eigenlorax.subspace.augment import gaussian, padded, with_floor
from eigenlorax.subspace.excerpt import excerpt
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from tests.subspace import small

GOLDEN = Path(__file__).parents[1] / "golden" / "card-1"
KINDS = pytest.mark.parametrize("kind", CardKind)
Made = tuple[Subspace, Style]
TEXT = "a cat\nSteps: 2, Sampler: Euler, Seed: 3"


@pytest.fixture(scope="module", params=Numbers)
def made(request: pytest.FixtureRequest) -> Made:
    """A style with cores in shared columns and private ranks."""
    loras = [*small.family("abc"), small.stranger("own", 8)]
    subspace, styles = small.fitted(loras, 0.9, request.param)
    assert styles["own"].residuals.kept and styles["own"].cores.kept
    notes = {"taught": "from 8 pictures", "wörter": "ja"}
    return subspace, replace(styles["own"], notes=notes, source_sha256="ab" * 32)


def _written(path: Path, made: Made, kind: CardKind) -> Path:
    subspace, style = made
    noise = Image.effect_noise((40, 24), 60).convert("RGB")
    save_card(pack_card(style, subspace, kind), noise, path, TEXT)
    return path


def _given(path: Path, made: Made) -> Style:
    card = read_card(path)
    return card.unpacked(made[0] if card.facts.kind is CardKind.LIGHT else None)[1]


def _same(style: Style, home: Subspace, made: Made) -> bool:
    """Whether a style is the one that was made, in numbers and in words."""
    subspace, original = made
    parts, told = style_parts(padded(style, home, subspace), subspace)
    known, known_told = style_parts(original, subspace)
    return (
        told == known_told
        and parts.keys() == known.keys()
        and all(torch.equal(parts[p], known[p]) for p in known)
    )


@KINDS
def test_what_went_in_comes_out(tmp_path: Path, made: Made, kind: CardKind) -> None:
    path = _written(tmp_path / "own.png", made, kind)
    card = read_card(path)
    home, style = card.unpacked(made[0] if kind is CardKind.LIGHT else None)
    assert _same(style, home, made)
    assert card.facts.name == "own" and card.facts.subspace == made[0].hash
    with Image.open(path) as picture:
        assert picture.info["parameters"] == TEXT
        picture.load()
        assert picture.size == (40, 24)


@KINDS
def test_the_same_style_gives_the_same_bytes(made: Made, kind: CardKind) -> None:
    assert pack_card(made[1], made[0], kind) == pack_card(made[1], made[0], kind)


def test_an_excerpt_drops_what_a_style_does_not_reach(made: Made) -> None:
    subspace, style = made
    wide = drain(with_floor(subspace, {}, 12, gaussian(torch.Generator().manual_seed(1))))
    assert any(wide.bases[p].core_shape != subspace.bases[p].core_shape for p in style.cores)
    alone = style.cores.kept.keys() - {small.PATHS[1]}
    one = padded(
        replace(style, cores=type(style.cores)({p: style.cores.kept[p] for p in alone})), subspace, wide
    )
    one = replace(one, residuals=type(style.residuals)({}))
    home, cut = excerpt(one, wide)
    assert list(home.bases) == [small.PATHS[0]]
    assert home.bases[small.PATHS[0]].core_shape <= tuple(
        max(k, 3) for k in subspace.bases[small.PATHS[0]].core_shape
    )
    back = padded(cut, home, wide)
    assert all(torch.equal(back.cores[p], one.cores[p]) for p in one.cores)
    assert home.sources == {"own": subspace.sources["own"]}


@KINDS
def test_a_style_of_another_subspace_is_not_packed(made: Made, kind: CardKind) -> None:
    with pytest.raises(SubspaceMismatchError, match="own belongs to subspace"):
        pack_card(replace(made[1], subspace="f" * 64), made[0], kind)


def test_a_light_card_in_another_subspace_is_refused_by_name(tmp_path: Path, made: Made) -> None:
    card = read_card(_written(tmp_path / "own.png", made, CardKind.LIGHT))
    other, _ = small.fitted(small.family("xyz", seed=900))
    for home in (other, None):
        with pytest.raises(SubspaceMismatchError, match=f"own.png belongs to subspace {made[0].hash[:12]}"):
            card.unpacked(home)


def test_a_style_that_is_too_large_is_told(monkeypatch: pytest.MonkeyPatch, made: Made) -> None:
    monkeypatch.setattr(style_card, "MAX_PAYLOAD_BYTES", 1000)
    with pytest.raises(InvalidRequestError, match=r"make it a light one.*export a bundle"):
        pack_card(made[1], made[0], CardKind.WHOLE)


def test_a_card_is_in_pieces_that_other_readers_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Made
) -> None:
    monkeypatch.setattr(style_card, "_PIECE", 500)
    path = _written(tmp_path / "own.png", made, CardKind.WHOLE)
    assert path.read_bytes().count(CHUNK) > 2
    assert _same(_given(path, made), read_card(path).unpacked()[0], made)


@KINDS
def test_no_flipped_bit_does_harm(tmp_path: Path, made: Made, kind: CardKind) -> None:
    """Every flip is told, or it is outside of what the picture carries and the style is what it was."""
    content = _written(tmp_path / "own.png", made, kind).read_bytes()
    draw, path, told = random.Random(5), tmp_path / "flipped.png", 0
    for _ in range(150):
        place = draw.randrange(len(content))
        path.write_bytes(_with(content, place, content[place] ^ 1 << draw.randrange(8)))
        try:
            card = read_card(path)
            home, style = card.unpacked(made[0] if kind is CardKind.LIGHT else None)
        except InvalidFileError as error:
            told += 1
            assert "flipped.png" in str(error)
            continue
        assert _same(style, home, made)
    assert 20 < told < 150


def _with(content: bytes, place: int, byte: int) -> bytes:
    return content[:place] + bytes([byte]) + content[place + 1 :]


@KINDS
def test_no_shortened_file_is_taken(tmp_path: Path, made: Made, kind: CardKind) -> None:
    content = _written(tmp_path / "own.png", made, kind).read_bytes()
    for length in range(0, len(content), 97):
        (tmp_path / "cut.png").write_bytes(content[:length])
        with pytest.raises(InvalidFileError, match=r"cut\.png"):
            read_card(tmp_path / "cut.png")


def _chunk(kind: bytes, data: bytes, length: int | None = None) -> bytes:
    size = len(data) if length is None else length
    return size.to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def _carrying(path: Path, *chunks: bytes) -> Path:
    """A picture with these chunks before its end."""
    picture = BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    content = picture.getvalue()
    path.write_bytes(content[:-12] + b"".join(chunks) + content[-12:])
    return path


@pytest.mark.parametrize("length", [2**32 - 1, 2**31, MAX_PAYLOAD_BYTES * 2, 1 << 20])
@pytest.mark.parametrize("kind", [CHUNK, b"tEXt"])
def test_a_length_beyond_the_file_is_not_believed(tmp_path: Path, length: int, kind: bytes) -> None:
    path = _carrying(tmp_path / "long.png", _chunk(kind, b"abc", length))
    with pytest.raises(InvalidFileError, match="cut off or damaged"):
        read_card(path)


def test_more_than_a_picture_may_carry_is_not_read(tmp_path: Path) -> None:
    path = _carrying(tmp_path / "much.png", *[_chunk(CHUNK, bytes(1 << 20))] * 18)
    with pytest.raises(InvalidFileError, match="more than a picture may carry"):
        read_card(path)


def test_a_picture_of_countless_chunks_is_given_up(tmp_path: Path) -> None:
    path = _carrying(tmp_path / "many.png", _chunk(b"tEXt", b"") * 70_000)
    with pytest.raises(InvalidFileError, match="which no picture has"):
        read_card(path)


def _about(made: Made) -> tuple[style_card.CardFacts, bytes]:
    facts, packed = style_card.split("x", pack_card(made[1], made[0], CardKind.WHOLE))
    return facts, zlib.decompress(packed)


@pytest.mark.parametrize("stated", [100, MAX_PAYLOAD_BYTES, 1 << 40])
def test_a_bomb_is_not_unpacked(
    tmp_path: Path, made: Made, stated: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts, _ = _about(made)
    content = joined(replace(facts, payload_bytes=stated), bytes(MAX_PAYLOAD_BYTES + 1))
    path = _carrying(tmp_path / "bomb.png", _chunk(CHUNK, content))
    assert path.stat().st_size < 100_000
    with pytest.raises(InvalidFileError, match=r"does not unpack to what it says|would unpack to"):
        read_card(path)


Change = Callable[[dict[str, Tensor], dict[str, dict[str, str]]], object]
LIES: dict[str, Change] = {
    "a path for a name": lambda _, told: told["style."].update(name="../../evil"),
    "a number for a name": lambda _, told: told["style."].update(name=3),  # type: ignore[call-overload]
    "no words": lambda _, told: told["style."].pop("trigger_words"),
    "words that are none": lambda _, told: told["style."].update(trigger_words="[1]"),
    "notes that are none": lambda _, told: told["style."].update(notes='["x"]'),
    "fidelity without end": lambda _, told: told["style."].update(
        fidelity=told["style."]["fidelity"].replace('"energy_kept": ', '"energy_kept": 1e999, "worst_kept": ')
    ),
    "nesting": lambda _, told: told["style."].update(fidelity="[" * 100_000),
    "another subspace": lambda _, told: told["style."].update(subspace="0" * 64),
    "another hash": lambda _, told: told["subspace."].update(hash="0" * 64),
    "no subspace": lambda _, told: told.pop("subspace."),
    "shapes that are none": lambda tensors, _: tensors["subspace.shapes"].fill_(2**31 - 1),
    "shapes below nothing": lambda tensors, _: tensors["subspace.shapes"].fill_(-1),
    "ranks beyond the numbers": lambda tensors, _: tensors["style.ranks"].fill_(2**15 - 1),
    "ranks that are no row": lambda tensors, _: tensors.update({"style.ranks": torch.tensor(1)}),
    "ranks that are broken": lambda tensors, _: tensors.update(
        {"style.ranks": tensors["style.ranks"].float() + 0.5}
    ),
    "no numbers": lambda tensors, _: [tensors.pop(n) for n in list(tensors) if n.startswith("style.")],
    "more numbers": lambda tensors, _: tensors.update({"style.codes": torch.ones(9999, dtype=torch.int8)}),
    "endless numbers": lambda tensors, _: tensors.update(
        {n: torch.full_like(t, torch.inf) for n, t in tensors.items() if t.is_floating_point()}
    ),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_with_the_right_checksum_is_told(tmp_path: Path, made: Made, lie: str) -> None:
    path = _lying(tmp_path / "lie.png", made, LIES[lie])
    with pytest.raises((InvalidFileError, SubspaceMismatchError), match=r"lie\.png"):
        read_card(path).unpacked()


def test_what_lies_are_told_with_tells_the_truth_too(tmp_path: Path, made: Made) -> None:
    path = _lying(tmp_path / "true.png", made, lambda *_: None)
    home, style = read_card(path).unpacked()
    assert _same(style, home, made)


def _lying(path: Path, made: Made, lie: Change) -> Path:
    """A whole card whose content was changed before its checksum was taken."""
    facts, payload = _about(made)
    length = int.from_bytes(payload[:8], "little")
    told = {
        part: json.loads(text) for part, text in json.loads(payload[8 : 8 + length])["__metadata__"].items()
    }
    tensors = {name: tensor.clone() for name, tensor in style_card.load_tensors(payload).items()}
    lie(tensors, told)
    payload = save(tensors, {part: json.dumps(text) for part, text in told.items()})
    facts = replace(facts, payload_bytes=len(payload), sha256=hashlib.sha256(payload).hexdigest())
    return _carrying(path, _chunk(CHUNK, joined(facts, payload)))


@pytest.mark.parametrize(
    "payload",
    [b"", b"no tensors", b"\xff" * 8, (2).to_bytes(8, "little") + b"{}", (1 << 62).to_bytes(8, "little")],
)
def test_a_payload_that_is_none_is_told(tmp_path: Path, made: Made, payload: bytes) -> None:
    facts, _ = _about(made)
    facts = replace(facts, payload_bytes=len(payload), sha256=hashlib.sha256(payload).hexdigest())
    path = _carrying(tmp_path / "x.png", _chunk(CHUNK, joined(facts, payload)))
    with pytest.raises(InvalidFileError, match=r"x\.png"):
        read_card(path).unpacked()


@pytest.mark.parametrize(
    "content",
    [
        b"\x01",
        b"\x01\xff\xff\xff\xff",
        b"\x02rest",
        b"\x01\x02\0\0\0{}",
        b"\x01\x02\0\0\0[]",
        b"\x01\x01\0\0\0{",
    ],
)
def test_content_that_says_nothing_is_told(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InvalidFileError, match=r"x\.png"):
        read_card(_carrying(tmp_path / "x.png", _chunk(CHUNK, content)))


def test_pictures_without_a_style_and_other_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match=r"carries no style.*sent as a file"):
        read_card(_carrying(tmp_path / "plain.png"))
    (tmp_path / "text.png").write_text("no picture")
    assert not is_png(tmp_path / "text.png") and not is_png(tmp_path / "missing.png")
    with pytest.raises(InvalidFileError, match="is no PNG picture"):
        read_card(tmp_path / "text.png")


def test_chunks_of_others_are_left_alone(tmp_path: Path) -> None:
    path = _carrying(tmp_path / "x.png", _chunk(b"elSu", b"a"), _chunk(CHUNK, b"bc"), _chunk(CHUNK, b"d"))
    assert read_chunks(path, CHUNK, 3) == b"bcd"


@KINDS
def test_cards_of_format_1_open_for_ever(kind: CardKind) -> None:
    expected = json.loads((GOLDEN / "expected.json").read_text())
    card = read_card(GOLDEN / f"{kind}.png")
    home = None if kind is CardKind.WHOLE else read_card(GOLDEN / "whole.png").unpacked()[0]
    facts = card.facts
    assert (facts.kind, facts.subspace) == (kind, expected["subspace"][kind])
    assert {"name": facts.name, "base": facts.base} == expected["facts"]
    home, style = card.unpacked(home)
    assert (style.name, style.trigger_words, style.notes) == ("neon", ("neon style",), expected["notes"])
    assert style.source_sha256 == expected["source_sha256"]
    for path, update in small.dense(home, style).items():
        torch.testing.assert_close(update, torch.tensor(expected["update"][str(path)]), rtol=1e-5, atol=2e-5)
