"""Sizes of the model's own area, crops that lie inside their pictures, and batches that treat all alike."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from eigenlorax.errors import InvalidRequestError
from eigenlorax.training.batches import batch_at, grouped, held_out
from eigenlorax.training.buckets import Bucket, assigned, buckets_for, framed

SIDES = st.sampled_from([64, 96, 128, 256, 512, 768, 1024])
SIZES = st.tuples(st.integers(64, 6000), st.integers(64, 6000))
GROUPS = st.lists(st.integers(1, 7), min_size=1, max_size=4)
#: From the appendix of arXiv:2307.01952, those within 1 : 2.5.
SDXL_SIZES = {
    (640, 1600), (704, 1472), (768, 1344), (832, 1216), (896, 1152), (960, 1088), (1024, 1024), (1088, 960),
    (1152, 896), (1216, 832), (1344, 768), (1472, 704), (1600, 640),
}  # fmt: skip


def shape_error(size: tuple[int, int], bucket: Bucket) -> float:
    """How many times one shape is narrower than the other, at least 1."""
    ratio = size[0] / size[1] / (bucket.width / bucket.height)
    return max(ratio, 1 / ratio)


def in_groups(sizes: list[int]) -> list[list[int]]:
    """Groups of such sizes over indices from 100 on."""
    starts = np.cumsum([100, *sizes])
    return [list(range(start, start + size)) for start, size in zip(starts, sizes, strict=False)]


def test_sdxl_gets_the_sizes_that_it_was_trained_on() -> None:
    assert set(buckets_for(1024)) == SDXL_SIZES


@given(SIDES)
def test_buckets_have_the_models_area(side: int) -> None:
    found = buckets_for(side)
    assert Bucket(side, side) in found
    for width, height in found:
        assert width % (64 if side >= 512 else 8) == height % (64 if side >= 512 else 8) == 0
        assert 0.9 * side * side <= width * height <= side * side
        assert max(width, height) <= 2.5 * min(width, height) and Bucket(height, width) in found


@given(SIDES, SIZES)
def test_the_nearest_shape_is_taken(side: int, size: tuple[int, int]) -> None:
    (own,) = assigned([size], side, rows=1)
    assert shape_error(size, own) <= min(shape_error(size, other) for other in buckets_for(side)) + 1e-9
    assert framed(size, own).kept == pytest.approx(1 / shape_error(size, own))


@given(SIDES, SIZES, st.floats(1, 2), st.tuples(st.floats(0, 1), st.floats(0, 1)), st.booleans())
def test_a_crop_lies_inside_its_picture_and_keeps_its_shape(
    side: int, size: tuple[int, int], zoom: float, place: tuple[float, float], mirrored: bool
) -> None:
    (bucket,) = assigned([size], side, rows=1)
    framing = framed(size, bucket, zoom, place, mirrored)
    left, top, right, bottom = framing.box
    assert 0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]
    assert (bottom - top) * framing.scale == pytest.approx(bucket.height)
    height, width, down, across, target_height, target_width = framing.conditioning
    assert (width, height) == size and (target_width, target_height) == bucket
    assert 0 <= down <= round(size[1] * framing.scale) - bucket.height + 1
    assert 0 <= across <= round(size[0] * framing.scale) - bucket.width + 1
    whole = framed(size, bucket)
    assert whole.kept <= 1 + 1e-9 and framing.kept == pytest.approx(whole.kept / zoom**2)
    turned = whole.turned()
    assert turned.conditioning == pytest.approx(whole.conditioning, abs=1)


@settings(max_examples=40)
@given(st.lists(SIZES, min_size=1, max_size=12), st.sampled_from([128, 1024]), st.integers(1, 4))
def test_buckets_are_few_where_little_is_lost_by_it(
    sizes: list[tuple[int, int]], side: int, rows: int
) -> None:
    found = assigned(sizes, side, rows)
    alone = [assigned([size], side, 1)[0] for size in sizes]
    assert len(set(found)) <= len(set(alone)) and set(found) <= set(alone)
    for size, own, best in zip(sizes, found, alone, strict=True):
        assert framed(size, own).kept >= framed(size, best).kept - 0.15 - 1e-9
    if rows == 1:
        assert list(found) == alone


def test_pictures_of_nearly_one_shape_share_a_bucket_and_others_do_not() -> None:
    near = [(1000, 1000), (1000, 1090), (1000, 920), (1010, 1000)]
    assert len(set(assigned(near, 1024, rows=4))) == 1 and len(set(assigned(near, 1024, rows=1))) == 3
    assert len(set(assigned([(1000, 1000), (2000, 1000), (1000, 2000)], 1024, rows=4))) == 3


def test_what_is_cut_is_the_middle_scaled() -> None:
    stripes = np.zeros((100, 300, 3), dtype=np.uint8)
    stripes[:, :100, 0] = stripes[:, 100:200, 1] = stripes[:, 200:, 2] = 255
    picture, bucket = Image.fromarray(stripes), Bucket(128, 128)
    middle = np.asarray(framed(picture.size, bucket).cut(picture))
    assert middle.shape == (128, 128, 3) and (middle[:, 4:-4] == [0, 255, 0]).all()  # Lanczos looks aside
    assert framed(picture.size, bucket).conditioning == (100, 300, 0, 128, 128, 128)
    left = framed(picture.size, bucket, place=(0.0, 0.5), mirrored=True)
    assert (np.asarray(left.cut(picture))[:, 4:] == [255, 0, 0]).all()
    assert left.conditioning == (100, 300, 0, 256, 128, 128)  # as a mirrored picture was cropped
    slope = Image.linear_gradient("L").rotate(90).convert("RGB")
    plain = framed(slope.size, bucket)
    assert plain.turned().cut(slope) == ImageOps.mirror(plain.cut(slope)) != plain.cut(slope)


@settings(max_examples=50)
@given(GROUPS, st.integers(1, 5), st.integers(0, 3), st.integers(0, 2), st.booleans())
def test_every_picture_is_drawn_equally_often(
    sizes: list[int], rows: int, seed: int, round_: int, mirrors: bool
) -> None:
    groups, total = in_groups(sizes), sum(sizes)
    counts: Counter[int] = Counter()
    for step in range(round_ * total, (round_ + 1) * total):
        batch = batch_at(step, rows, seed, groups, mirrors=mirrors)
        assert len(batch.indices) == len(batch.mirrored) == rows
        assert any(set(batch.indices) <= set(group) for group in groups)
        assert batch == batch_at(step, rows, seed, groups, mirrors=mirrors)
        counts.update(batch.indices)
    assert counts == dict.fromkeys(range(100, 100 + total), rows)


@given(st.integers(1, 9), st.integers(0, 50))
def test_a_lap_shows_each_picture_once_and_the_next_one_its_mirror_image(count: int, seed: int) -> None:
    groups = in_groups([count])
    laps = [
        [batch_at(lap * count + i, 1, seed, groups, mirrors=True) for i in range(count)] for lap in (0, 1)
    ]
    seen = [{batch.indices[0]: batch.mirrored[0] for batch in lap} for lap in laps]
    assert sorted(seen[0]) == groups[0]
    assert seen[1] == {index: not mirrored for index, mirrored in seen[0].items()}


def test_orders_differ_by_seed_and_lap_and_half_are_mirrored() -> None:
    groups = in_groups([20])
    first = [batch_at(0, 20, seed, groups).indices for seed in range(5)]
    assert len({*first, batch_at(1, 20, 0, groups).indices}) == 6
    assert not any(any(batch_at(step, 4, 0, groups).mirrored) for step in range(10))
    share = np.mean([batch_at(0, 20, seed, groups, mirrors=True).mirrored for seed in range(20)])
    assert 0.4 < share < 0.6


def test_a_batch_that_cannot_be_says_so() -> None:
    for step, rows, groups in [(-1, 1, [[0]]), (0, 0, [[0]]), (0, 1, [])]:
        with pytest.raises(InvalidRequestError, match="no batch"):
            batch_at(step, rows, 0, groups)


@pytest.mark.parametrize(
    ("count", "held"), [(1, 0), (3, 0), (4, 1), (7, 1), (8, 2), (12, 2), (13, 3), (20, 4), (500, 4)]
)
def test_about_one_in_five_is_held_out(count: int, held: int) -> None:
    found = held_out(count, seed=3)
    assert len(found) == held and found <= set(range(count)) and found == held_out(count, seed=3)
    if held:
        assert len({held_out(count, seed) for seed in range(20)}) > 1


def test_groups_are_those_of_one_bucket() -> None:
    assert grouped({3: (8, 8), 5: (8, 16), 7: (8, 8)}) == [[3, 7], [5]]
