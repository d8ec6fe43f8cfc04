"""Where a taught style comes from, and its cover: bounded, read back as written, and checked."""

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from eigenlorax.errors import InvalidFileError
from eigenlorax.library.cover import COVER, cover_note, cover_of
from eigenlorax.library.curves import Curves, load_curves, save_curves
from eigenlorax.library.library import Library
from eigenlorax.library.provenance import PROVENANCE, LearntFrom, Provenance, note_of, provenance_of
from eigenlorax.subspace.fidelity import Fidelity
from eigenlorax.subspace.kept_cores import KeptCores
from eigenlorax.subspace.style import Style

TOLD = Provenance(
    "0.1", "a" * 64, "SDXL", (LearntFrom("b" * 64, "a cat, zyx", False), LearntFrom("c" * 64, "", True)), 2,
    {"steps": 4, "rate": 0.5, "texts": False, "how": "so"}, {"a": 0.25}, 77, (0.5, 0.4, 0.3),
    Curves(((1, 0.5), (2, 0.25)), ((0, 0.4), (2, 0.3))),
)  # fmt: skip


def style(**notes: str) -> Style:
    return Style("mine", KeptCores({}), "a" * 64, Fidelity(1.0, "", 1.0, 0, 0), notes=notes)


def test_it_is_read_as_it_was_written() -> None:
    assert provenance_of(style(provenance=note_of(TOLD))) == TOLD
    assert provenance_of(style()) is None


@given(st.integers(0, 2000), st.integers(0, 2000), st.text(max_size=400))
@settings(max_examples=15, deadline=None)
def test_it_is_bounded_and_keeps_the_ends_of_its_curves(pictures: int, points: int, caption: str) -> None:
    many = tuple(LearntFrom(f"{i:064x}", caption, False) for i in range(pictures))
    curve = tuple((2 * i, i / 3) for i in range(points))
    told = replace(TOLD, pictures=many, picture_count=pictures, curves=Curves(curve, curve[:3]))
    note = note_of(told)
    assert len(note) <= 64 * 1024
    found = provenance_of(style(provenance=note))
    assert found is not None
    assert found.picture_count == pictures
    assert all(a.sha256 == b.sha256 for a, b in zip(found.pictures, many, strict=False))
    kept = found.curves.train
    assert len(kept) == min(points, 200)
    assert {step for step, _ in kept} <= {step for step, _ in curve}
    if points:
        assert (kept[0][0], kept[-1][0]) == (0, curve[-1][0])


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2}, {"subspace": "x"}, {"pictures": [["b" * 64, 1, False]]}, {"numbers": -1},
        {"numbers": True}, {"errors": [1, 2]}, {"errors": [1, 2, "3"]}, {"train": [[2, 1.0], [1, 1.0]]},
        {"train": [[1, float("nan")]]}, {"held": [[0.5, 1.0]]}, {"settings": {"a": []}}, {"start": 3},
        {"picture_count": None},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(change: dict[str, object]) -> None:
    note = json.dumps({**json.loads(note_of(TOLD)), **change})
    with pytest.raises(InvalidFileError, match="mine"):
        provenance_of(style(provenance=note))


@pytest.mark.parametrize("note", ["", "[]", "{", "[" * 5000, "x" * 200_000])
def test_what_is_no_provenance_is_refused(note: str) -> None:
    with pytest.raises(InvalidFileError):
        provenance_of(style(**{PROVENANCE: note}))


def noise(side: int) -> Image.Image:
    pixels = torch.randint(256, (side, side, 3), generator=torch.Generator().manual_seed(side))
    return Image.fromarray(pixels.to(torch.uint8).numpy())


def test_a_cover_is_a_small_strip_that_the_library_lays_out(tmp_path: Path) -> None:
    colours = [(250, 0, 0), (0, 250, 0), (0, 0, 250)]
    worn = style(**cover_note([Image.new("RGB", (64, 64), colour) for colour in colours]))
    content = cover_of(worn)
    assert content is not None
    with Image.open(BytesIO(content)) as strip:
        assert strip.size == (3 * 128, 128)
        for place, colour in enumerate(colours):
            seen = strip.convert("RGB").getpixel((64 + 128 * place, 64))
            assert max(abs(a - b) for a, b in zip(seen, colour, strict=True)) < 12
    library = Library(tmp_path)
    path = library.style_cover(worn)
    assert path is not None
    assert path.read_bytes() == content
    assert library.style_cover(worn) == path
    assert library.style_cover(style()) is None
    assert cover_note([]) == {}


def test_noisy_pictures_make_a_cover_within_its_bound() -> None:
    content = cover_of(style(**cover_note([noise(side) for side in (100, 128, 300, 640, 64)])))
    assert content is not None
    assert len(content) <= 24 * 1024


@pytest.mark.parametrize(
    "note", ["", "data:image/webp;base64,", "data:image/webp;base64,AAAA", "x", "data:image/webp;base64,*"]
)
def test_what_is_no_cover_is_not_shown(note: str) -> None:
    assert cover_of(style(**{COVER: note})) is None


def test_a_cover_of_another_kind_or_size_is_not_shown() -> None:
    for picture, kind in ((noise(64), "PNG"), (noise(1200), "WEBP")):
        buffer = BytesIO()
        picture.save(buffer, kind, quality=1)
        import base64

        note = "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
        assert cover_of(style(**{COVER: note})) is None


def test_curves_are_taken_up_to_a_step_and_broken_ones_not_at_all(tmp_path: Path) -> None:
    path, curves = tmp_path / "curves.json", Curves(((1, 0.1), (2, 0.2), (3, 0.3)), ((2, 0.7),))
    save_curves(curves, path)
    assert load_curves(path, 3) == curves
    assert load_curves(path, 1) == Curves(((1, 0.1),), ())
    assert load_curves(tmp_path / "none.json", 3) == Curves()
    for wrong in ("", "{}", '{"train": [[1]], "held": []}', '{"train": 1, "held": []}'):
        path.write_text(wrong)
        assert load_curves(path, 3) == Curves()
