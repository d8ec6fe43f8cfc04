"""The plan: bytes in, the fastest placement that fits out."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eigenlorax.runtime.options import Placement
from eigenlorax.runtime.plan import GIB, TILE, Needs, Plan, below, ladder, make_plan, margin
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.runtime.sizes import ModelSize, size_of, unet_values

MIB = 2**20
#: Full-size SDXL in fp16 with the VAE in fp32: parameters as huggingface counts them, two or four bytes each.
SDXL = ModelSize(
    name="SDXL",
    precision="fp16",
    encoders=(2 * 123_060_480, 2 * 694_659_840),
    unet=2 * 2_567_463_684,
    vae=4 * 83_653_863,
    largest_layer=2 * 49408 * 1280,
    unet_values=4760.0,
    vae_values=256.0,
    unet_width=2,
    vae_width=4,
    scale=8,
)
NEEDS = Needs(1024, 1024, styles=10, style_bytes=300 * MIB)


@pytest.mark.parametrize(
    ("gigabytes", "placement"),
    [
        (80, Placement.GPU), (24, Placement.GPU), (12, Placement.GPU),
        (7.5, Placement.MODEL_OFFLOAD), (4, Placement.SEQUENTIAL),
    ],
)  # fmt: skip
def test_the_fastest_that_fits(gigabytes: float, placement: Placement) -> None:
    plan = make_plan(SDXL, NEEDS, int(gigabytes * GIB))
    assert plan.placement is placement
    assert plan.fits
    assert plan.peaks.highest + margin(plan.budget or 0) <= gigabytes * GIB


def test_the_sentence_names_what_the_user_needs_to_know() -> None:
    told = make_plan(SDXL, NEEDS, int(7.5 * GIB)).sentence
    assert told.startswith("SDXL in fp16 with 10 styles at 1024x1024: about ")
    assert " GB of the 7.5 GB that the card has for it; parts are moved in and out of the card" in told
    one = make_plan(SDXL, replace(NEEDS, styles=1, pictures=4), 80 * GIB).sentence
    assert one.startswith("SDXL in fp16 with 1 style at 1024x1024, 4 pictures: about ")
    assert "all parts stay on the card" in one
    assert "tiles" not in one


def test_a_wish_is_kept_and_its_price_told() -> None:
    plan = make_plan(SDXL, NEEDS, 6 * GIB, Placement.GPU)
    assert plan.placement is Placement.GPU
    assert plan.tiling
    assert not plan.fits
    assert "may not fit" in plan.sentence
    assert make_plan(SDXL, NEEDS, 80 * GIB, Placement.SEQUENTIAL).placement is Placement.SEQUENTIAL
    for plan in (make_plan(SDXL, NEEDS, 80 * GIB, Placement.CPU), make_plan(SDXL, NEEDS, None)):
        assert plan.placement is Placement.CPU
        assert plan.fits
        assert plan.peaks.highest == 0


def test_nothing_fits_gives_the_leanest() -> None:
    plan = make_plan(SDXL, NEEDS, GIB // 2)
    assert plan.placement is Placement.SEQUENTIAL
    assert not plan.fits


def test_what_lies_on_the_card_in_each_phase() -> None:
    """Differences of two plans leave weights alone: activations are the same."""
    by = {(plan.placement, plan.tiling): plan.peaks for plan in ladder(SDXL, NEEDS, 80 * GIB)}
    whole, offload = by[Placement.GPU, False], by[Placement.MODEL_OFFLOAD, False]
    assert whole.unet - offload.unet == SDXL.weights - SDXL.unet
    assert whole.vae - offload.vae == SDXL.weights - SDXL.vae
    assert whole.text - offload.text == SDXL.weights - max(SDXL.encoders)
    layer = by[Placement.SEQUENTIAL, True]
    assert by[Placement.MODEL_OFFLOAD, True].unet - layer.unet == SDXL.unet - SDXL.largest_layer
    assert by[Placement.GPU, True].vae < whole.vae
    assert by[Placement.GPU, True].unet == whole.unet


def test_styles_count_byte_for_byte() -> None:
    more = replace(NEEDS, style_bytes=NEEDS.style_bytes + 123)
    for one, other in zip(ladder(SDXL, NEEDS, GIB), ladder(SDXL, more, GIB), strict=True):
        assert [b - a for a, b in zip(vars(one.peaks).values(), vars(other.peaks).values(), strict=True)] == [
            123
        ] * 3


def test_a_batch_that_is_too_large_is_drawn_one_by_one_before_parts_are_moved() -> None:
    many = replace(NEEDS, pictures=16)
    budget = next(
        p for p in ladder(SDXL, many, 0) if p.placement is Placement.GPU and p.at_once == 1
    ).peaks.highest
    plan = make_plan(SDXL, many, budget * 2)
    assert plan.placement is Placement.GPU
    tight = make_plan(SDXL, many, int(budget * 1.05) + 256 * MIB)
    assert (tight.placement, tight.at_once, tight.tiling) == (Placement.GPU, 1, True)
    assert "pictures are drawn one by one" in tight.sentence
    assert all(plan.at_once == 1 for plan in ladder(SDXL, NEEDS, 0))


@given(
    st.integers(8, 256).map(lambda n: 8 * n),
    st.integers(8, 256).map(lambda n: 8 * n),
    st.integers(1, 8),
    st.integers(0, 8 * GIB),
    st.integers(0, 96 * GIB),
)
def test_for_any_need_and_card(width: int, height: int, pictures: int, style_bytes: int, budget: int) -> None:
    needs = Needs(width, height, pictures, style_bytes=style_bytes)
    plans = ladder(SDXL, needs, budget)
    chosen = make_plan(SDXL, needs, budget)
    fitting = [plan for plan in plans if plan.fits]
    assert chosen == (fitting[0] if fitting else min(plans, key=lambda plan: plan.peaks.highest))
    # Going down the ladder from any rung takes less each time, and ends.
    rung: Plan | None = plans[0]
    while rung is not None:
        lower = below(plans, rung)
        assert lower is None or lower.peaks.highest < rung.peaks.highest
        rung = lower
    larger = ladder(SDXL, replace(needs, width=width + 8), budget)
    assert all(one.peaks.unet < other.peaks.unet for one, other in zip(plans, larger, strict=True))
    if width * height <= TILE * TILE:
        assert plans[0].peaks == plans[1].peaks


def test_the_tiny_model_is_measured(base: BaseModel) -> None:
    size = size_of(base.pipeline, "tiny")
    parts = [base.pipeline.text_encoder, base.pipeline.text_encoder_2, base.pipeline.unet, base.pipeline.vae]
    counted = [sum(p.numel() * 4 for p in part.parameters()) for part in parts]
    assert [*size.encoders, size.unet, size.vae] == counted
    assert size.weights == sum(counted)
    assert size.largest_layer <= max(counted)
    assert (size.precision, size.unet_width, size.scale) == ("fp32", 4, 8)


def test_values_of_the_full_unet_are_counted_by_its_configuration() -> None:
    """Skips, counted by hand: 320, 2x320, 320/4; 2x640/4, 640/16; 2x1280/16."""
    skips = 320 + 640 + 80 + 320 + 40 + 160
    assert (
        unet_values({"block_out_channels": [320, 640, 1280], "layers_per_block": 2}) == skips + 3 * 960 + 320
    )
    assert SDXL.unet_values == skips + 3 * 960 + 320
