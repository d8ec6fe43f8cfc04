"""The image-made styles and the subject split of assets/build."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

BUILD = Path(__file__).resolve().parents[1] / "assets" / "build"
sys.path.insert(0, str(BUILD))
pytest.importorskip("scipy", reason="the styles need assets/build/requirements-build.txt")

from judge_blocks import FLATNESS, OFF_PALETTE, block_statistics  # noqa: E402
from styles import STYLES, apply_style  # noqa: E402
from styles_craft import PIXEL_GROUND, PIXEL_PALETTE  # noqa: E402
from subjects import (  # noqa: E402
    BASE_SETS,
    FAMILIES,
    FEWSHOT_SETS,
    FEWSHOT_STYLES,
    LORA_SETS,
    core_200,
    is_test_subject,
)


@pytest.fixture(scope="module")
def drawing() -> Image.Image:
    """A red disc with a dark bar on white, 128x128."""
    image = Image.new("RGB", (128, 128), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((20, 20, 108, 108), fill=(220, 40, 40))
    draw.rectangle((40, 56, 88, 72), fill=(30, 30, 40))
    return image


@pytest.mark.parametrize("name", sorted(STYLES))
def test_style_is_repeatable_and_changes_the_picture(name: str, drawing: Image.Image) -> None:
    first, again, other = (np.asarray(apply_style(name, drawing, seed), dtype=float) for seed in (3, 3, 4))
    assert first.shape == (128, 128, 3)
    assert np.array_equal(first, again)
    assert np.abs(first - np.asarray(drawing, dtype=float)).mean() > 8
    assert np.abs(first - other).mean() < np.abs(first - np.asarray(drawing, dtype=float)).mean()


def test_subject_stands_out_in_every_style(drawing: Image.Image) -> None:
    blank = Image.new("RGB", (128, 128), "white")
    for name in STYLES:
        subject, nothing = (
            np.asarray(apply_style(name, image, 3), dtype=float) for image in (drawing, blank)
        )
        assert np.abs(subject - nothing)[24:104, 24:104].mean() > 15, name


def test_pixel_style_is_blocks_of_the_palette(drawing: Image.Image) -> None:
    pixels = np.asarray(apply_style("pixel", drawing, 1))
    blocks = pixels.reshape(16, 8, 16, 8, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()
    assert {tuple(int(v) for v in c) for c in pixels.reshape(-1, 3)} <= {*PIXEL_PALETTE, PIXEL_GROUND}


def test_unknown_style_is_a_key_error(drawing: Image.Image) -> None:
    with pytest.raises(KeyError, match="no-such-style"):
        apply_style("no-such-style", drawing, 0)


def test_no_family_has_two_roles() -> None:
    roles = [{FAMILIES[name] for name in sets} for sets in (BASE_SETS, LORA_SETS, FEWSHOT_SETS)]
    assert not roles[0] & roles[1] and not roles[0] & roles[2] and not roles[1] & roles[2]
    assert set(FEWSHOT_STYLES) <= set(STYLES)


def test_split_depends_on_the_name_alone_and_keeps_a_fifth() -> None:
    share = np.mean([is_test_subject(f"thing {number}") for number in range(4000)])
    assert 0.17 < share < 0.23
    assert is_test_subject("elephant") and not is_test_subject("rocket")


def test_common_subjects_need_a_complete_folder() -> None:
    with pytest.raises(ValueError, match="only 0 of 200"):
        core_200([])


def test_block_statistics_tell_pixel_art_from_a_drawing(drawing: Image.Image) -> None:
    pictures = np.stack([np.asarray(apply_style(name, drawing, 1)) for name in ("pixel", "bricks", "comic")])
    pixel, bricks, comic = block_statistics(pictures)
    assert pixel[FLATNESS] == pytest.approx(1) and pixel[OFF_PALETTE] == pytest.approx(0)
    assert max(bricks[FLATNESS], comic[FLATNESS]) < 0.95
    assert min(bricks[OFF_PALETTE], comic[OFF_PALETTE]) > 10
