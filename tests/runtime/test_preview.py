"""A preview shows what the decoder would."""

from dataclasses import replace

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from eigenlorax.events import drain
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.brush import plain
from eigenlorax.runtime.paint import Preview, Step, paint
from eigenlorax.runtime.preview import colour_map, estimate, previewed
from eigenlorax.runtime.samplers import course
from eigenlorax.runtime.sdxl import BaseModel

BOAT = GenerationRequest("a sailboat", seed=3, steps=8, guidance=4.0, width=128, height=128, batch=2)


@pytest.mark.parametrize("sampler", ["Euler", "DPM++ 2M"])
def test_previews_of_the_demo_model_show_the_picture(demo_base: BaseModel, sampler: str) -> None:
    painting = paint(
        demo_base.pipeline, replace(BOAT, sampler=sampler), plain(demo_base.pipeline), previews=4
    )
    events: list[Step | Preview] = []
    while True:
        try:
            events.append(next(painting))
        except StopIteration as end:
            pictures: list[Image.Image] = end.value
            break
    previews = [event for event in events if isinstance(event, Preview)]
    assert [(one.done, one.total) for one in previews] == [(4, 8), (8, 8)]
    assert [event.done for event in events if isinstance(event, Step)] == list(range(1, 9))
    for last, picture, stranger in zip(previews[-1].images, pictures, reversed(pictures), strict=True):
        assert last.size == (16, 16)
        assert _alike(last, picture) > 0.8
        assert _alike(last, picture) > _alike(last, stranger) + 0.1


def _alike(small: Image.Image, large: Image.Image) -> float:
    reduced = np.asarray(large.resize(small.size, Image.Resampling.BOX), float)
    return float(np.corrcoef(np.asarray(small, float).ravel(), reduced.ravel())[0, 1])


def test_the_map_of_sdxls_autoencoder_is_the_published_one() -> None:
    with torch.device("meta"):
        vae = diffusers.AutoencoderKL(
            block_out_channels=(128, 256, 512, 512), layers_per_block=2, scaling_factor=0.13025,
            down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        )  # fmt: skip
    # A meta tensor cannot be decoded, so nothing was fitted. Its first channel is brightness.
    brighter, neutral = colour_map(vae)[0], colour_map(vae)[-1]
    assert colour_map(vae).shape == (5, 3)
    assert bool((brighter > 0.3).all())
    assert float(neutral.abs().max()) < 0.2


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("sampler", ["Euler", "Heun", "DPM++ 2M", "DDIM", "LMS"])
def test_the_estimate_is_exact_where_the_model_is(kind: str, sampler: str) -> None:
    own = diffusers.EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type=kind
    )
    made = course(own, sampler, "Automatic", 6, torch.device("cpu"), 0.6)
    generator = torch.Generator().manual_seed(0)
    picture, noise = (torch.randn(2, 4, 8, 8, generator=generator) for _ in range(2))
    timestep = made.timesteps[0]
    noisy = made.scheduler.add_noise(picture, noise, timestep.repeat(2))
    scaled = made.scheduler.scale_model_input(noisy, timestep)
    kept = float(own.alphas_cumprod[int(timestep)])
    answers = {
        "epsilon": noise,
        "v_prediction": kept**0.5 * noise - (1 - kept) ** 0.5 * picture,
        "sample": picture,
    }
    found = estimate(made.scheduler, scaled, answers[kind], timestep)
    torch.testing.assert_close(found, picture, atol=0.02, rtol=0.02)


def test_the_map_is_fitted_once(base: BaseModel) -> None:
    assert colour_map(base.pipeline.vae) is colour_map(base.pipeline.vae)
    (picture,) = previewed(base.pipeline.vae, torch.zeros(1, 4, 8, 8))
    assert picture.mode == "RGB"


def test_previews_change_nothing(base: BaseModel) -> None:
    request = GenerationRequest("a cat", seed=5, steps=4, width=64, height=64)
    with_them, without = (
        drain(paint(base.pipeline, request, plain(base.pipeline), previews))[0] for previews in (1, 0)
    )
    assert with_them.tobytes() == without.tobytes()
