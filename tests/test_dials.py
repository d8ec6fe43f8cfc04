"""Where and when a style acts: every module in one region, factors that multiply, a curve through its points."""

import pytest

from eigenlorax.dials import AS_IT_IS, Dials, Region, region_of
from eigenlorax.errors import InvalidRequestError
from eigenlorax.module_path import Component, ModulePath
from tests import headers


def test_every_module_of_sdxl_has_its_region_and_the_named_attentions_are_where_papers_put_them() -> None:
    found = {path: region_of(path) for path in headers.sdxl_layout()}
    assert set(found.values()) == set(Region)

    def of(stem: str) -> set[Region]:
        return {
            region
            for path, region in found.items()
            if path.component is Component.UNET and path.name.startswith(stem)
        }

    assert of("down_blocks.2.attentions.1.") == {Region.COMPOSITION}
    assert of("mid_block.") == {Region.COMPOSITION}
    assert of("up_blocks.0.attentions.0.") == {Region.CONTENT}
    assert of("up_blocks.0.attentions.1.") == {Region.STYLE}
    assert of("up_blocks.1.") == of("up_blocks.2.") == {Region.DETAIL}
    encoders = {
        path.component: region for path, region in found.items() if path.component is not Component.UNET
    }
    assert encoders == {
        Component.TEXT_ENCODER: Region.TEXT_ENCODER,
        Component.TEXT_ENCODER_2: Region.TEXT_ENCODER_2,
    }
    assert region_of(ModulePath(Component.UNET, "conv_out")) is Region.DETAIL
    assert region_of(ModulePath(Component.UNET, "up_blocks.0.upsamplers.0.conv")) is Region.STYLE


def test_factors_multiply_and_text_encoders_keep_out_of_the_unets() -> None:
    dials = Dials(unet=0.5, text_encoder=2.0, style=-3.0, curve=((0.0, 1.0), (1.0, 0.0)))
    assert dials.factor(Region.STYLE) == -1.5
    assert dials.factor(Region.DETAIL) == 0.5
    assert dials.factor(Region.STYLE, 0.5) == -0.75
    assert dials.factor(Region.TEXT_ENCODER, 0.5) == 2.0
    assert dials.factor(Region.TEXT_ENCODER_2, 1.0) == 1.0
    assert all(AS_IT_IS.factor(region, 0.3) == 1.0 for region in Region)


@pytest.mark.parametrize(
    ("progress", "factor"),
    [(0.0, 0.5), (0.2, 0.5), (0.4, 1.0), (0.6, 1.5), (0.7, 0.75), (0.8, 0.0), (1.0, 0.0)],
)
def test_a_curve_runs_straight_between_its_points_and_level_outside(progress: float, factor: float) -> None:
    curve = ((0.2, 0.5), (0.6, 1.5), (0.8, 0.0))
    assert Dials(curve=curve).at(progress) == pytest.approx(factor)


@pytest.mark.parametrize(
    ("dials", "said"),
    [
        (Dials(content=11.0), "content is 11"),
        (Dials(unet=float("nan")), "unet is nan"),
        (Dials(curve=((0.0, 1.0), (1.5, 1.0))), "progress from 0 to 1"),
        (Dials(curve=((0.5, 1.0), (0.5, 0.0))), "in order of progress"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(dials: Dials, said: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"neon: .*{said}"):
        dials.check("neon")
    AS_IT_IS.check("neon")
