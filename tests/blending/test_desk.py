"""Blending in a whole studio: what is worn, what is made by name, what is kept."""

from pathlib import Path

import pytest

from eigenlorax.blending.combine import MIXTURE
from eigenlorax.dials import Dials
from eigenlorax.errors import InvalidRequestError, StudioError, UnknownStyleError
from eigenlorax.studio import Studio
from tests.conftest import CPU
from tests.subspaces.cases import picture


def test_a_derived_style_is_drawn_kept_and_drawn_again(studio: Studio) -> None:
    drawn = picture(studio, "remix 5")
    assert list(studio.styles) == ["a", "b", "c", "own"]  # derived ones are worn, not saved
    kept = studio.blending.keep("remix 5", " My remix ")
    assert kept.name == "My remix"
    assert kept.notes[MIXTURE].startswith("remix 5, made of ")
    assert picture(studio, "My remix").tobytes() == drawn.tobytes()
    again = Studio(str(studio.base.folder), studio.library.root, CPU)
    assert "My remix" in again.styles
    assert picture(again, "My remix").tobytes() == drawn.tobytes()


def test_the_picture_is_that_of_the_mixture(studio: Studio) -> None:
    found = studio.blending.derivation("dice 3")
    table = studio.blending.conflict({**found.strengths, "dice 3": -1.0})
    assert table.kept < 0.01  # the mixture less its sum: rounding is all that is left


def test_names_that_cannot_be_kept(studio: Studio) -> None:
    for name in ("", "  ", "a", "../b", "dice 7", ".hidden", "a:b"):
        with pytest.raises(InvalidRequestError):
            studio.blending.keep("remix 5", name)
    assert list(studio.styles) == ["a", "b", "c", "own"]


def test_a_blend_becomes_a_style(studio: Studio) -> None:
    remix = studio.blending.derivation("remix 5").strengths  # another one once the collection has grown
    made = studio.blending.combine({"a": 0.75, "b": -0.5, "c": 0.0, "remix 5": 0.25}, " Mine ")
    assert made.name == "Mine"
    parts = {name: 0.25 * strength for name, strength in remix.items()}
    parts["a"], parts["b"] = parts.get("a", 0.0) + 0.75, parts.get("b", 0.0) - 0.5
    assert studio.blending.conflict({**parts, "Mine": -1.0}).kept < 0.01  # rounding is all that is left
    for blend, name in (({}, "x"), ({"a": 0.0}, "x"), ({"nobody": 1.0}, "x"), ({"a": 1.0}, "b")):
        with pytest.raises(InvalidRequestError):
            studio.blending.combine(blend, name)
    assert list(studio.styles) == ["Mine", "a", "b", "c", "own"]


def test_numbers_follow_strengths_and_dials(studio: Studio) -> None:
    desk = studio.blending
    both = desk.conflict({"a": 1.0, "b": 1.0})
    assert both.worst is not None
    turned = desk.conflict({"a": 1.0, "b": -1.0})
    assert turned.balance == pytest.approx(-both.balance)
    silent = {"a": Dials(unet=0.0, text_encoder=0.0, text_encoder_2=0.0)}
    assert desk.conflict({"a": 1.0, "b": 1.0}, silent).balance == 0.0
    found = desk.balance({"a": 1.0, "b": 0.1, "own": 1.0}, locked=("own",))
    assert found["own"] == 1.0
    shares = desk.conflict(found).shares
    assert shares["a"] == pytest.approx(shares["b"], rel=1e-4)


def test_collection_wide(studio: Studio) -> None:
    desk = studio.blending
    assert set(desk.scales()) == set(desk.map().points) == {"a", "b", "c", "own"}
    assert len(desk.directions()) == 3
    likest = desk.likeness("a")
    assert set(likest) == {"b", "c", "own"}
    assert list(likest.values()) == sorted(likest.values(), reverse=True)
    assert desk.near_copies(-1.0)[0][2] == pytest.approx(
        max(max(desk.likeness(n).values()) for n in studio.styles)
    )
    assert desk.near_copies(1.01) == []


def test_what_can_be_made(studio: Studio) -> None:
    desk = studio.blending
    assert desk.can_make("a")
    assert desk.can_make("direction 2")
    assert not desk.can_make("later")
    with pytest.raises(InvalidRequestError, match="cannot be made"):
        desk.derivation("direction 8")
    with pytest.raises(StudioError, match="no style named later"):
        desk.conflict({"later": 1.0})
    with pytest.raises(UnknownStyleError):
        picture(studio, "direction 8")


def test_before_the_first_compression(tmp_path: Path, tiny_model: Path) -> None:
    desk = Studio(str(tiny_model), tmp_path / "data", CPU).blending
    assert (desk.scales(), desk.map().points, desk.directions(), desk.near_copies()) == ({}, {}, [], [])
    assert not desk.can_make("dice 1")
    with pytest.raises(InvalidRequestError, match="press Compress first"):
        desk.conflict({"a": 1.0})
