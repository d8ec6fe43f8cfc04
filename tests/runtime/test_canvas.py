"""Pictures over pictures: what diffusers' own pipelines draw, and what a mask protects stays."""

from dataclasses import replace

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from eigenlorax.events import drain
from eigenlorax.recipe import Canvas, Fill, GenerationRequest, Hires, Upscaler
from eigenlorax.runtime.brush import plain
from eigenlorax.runtime.canvas import enlarged, finished, grounded, slerp, soft_mask, starting_noise
from eigenlorax.runtime.generate import denoise
from eigenlorax.runtime.paint import paint
from eigenlorax.runtime.pixels import decode, encode
from eigenlorax.runtime.samplers import course
from eigenlorax.runtime.sdxl import BaseModel

# diffusers 0.42.1 hands torch tensors to numpy 2's functions in some of its schedulers.
pytestmark = pytest.mark.filterwarnings("ignore:__array_wrap__ must accept context:DeprecationWarning")

REQUEST = GenerationRequest("a cat", seed=5, steps=8, guidance=4.0, width=64, height=64, sampler="Euler")


def _picture(seed: int = 0, size: tuple[int, int] = (64, 64)) -> Image.Image:
    coarse = torch.rand(4, 4, 3, generator=torch.Generator().manual_seed(seed)) * 255
    return Image.fromarray(coarse.to(torch.uint8).numpy()).resize(size, Image.Resampling.BICUBIC)


def _half(size: int = 64) -> Image.Image:
    """White on the right."""
    mask = Image.new("L", (size, size), 0)
    mask.paste(255, (size // 2, 0, size, size))
    return mask


def _distance(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a, float) - np.asarray(b, float)).max())


@pytest.mark.parametrize("sampler", ["Euler", "Euler a", "Heun", "DPM++ 2M", "DDIM"])
@pytest.mark.parametrize("strength", [0.3, 0.75])
def test_same_picture_as_diffusers_img2img(base: BaseModel, sampler: str, strength: float) -> None:
    request = replace(REQUEST, sampler=sampler, canvas=Canvas(_picture(), strength=strength))
    ours = drain(denoise(base.pipeline, request))
    theirs = _peer(base, diffusers.StableDiffusionXLImg2ImgPipeline, request)(
        request.prompt, image=encode(base.pipeline, _picture()), strength=strength, num_inference_steps=8,
        guidance_scale=4.0, original_size=(64, 64), target_size=(64, 64), generator=torch.Generator().manual_seed(5),
    ).images[0]  # fmt: skip
    assert _distance(ours, theirs) <= 1


@pytest.mark.parametrize("sampler", ["Euler", "Euler a", "DPM++ 2M", "DDIM"])
def test_same_picture_as_diffusers_inpaint(base: BaseModel, sampler: str) -> None:
    canvas = Canvas(_picture(), _half(), strength=0.75, blur=0)
    request = replace(REQUEST, sampler=sampler, canvas=canvas)
    ours = drain(denoise(base.pipeline, request))
    theirs = _peer(base, diffusers.StableDiffusionXLInpaintPipeline, request)(
        request.prompt, image=encode(base.pipeline, _picture()), mask_image=_half(), strength=0.75, width=64,
        height=64, num_inference_steps=8, guidance_scale=4.0, generator=torch.Generator().manual_seed(5),
    ).images[0]  # fmt: skip
    assert _distance(ours, finished(canvas, theirs)) <= 1


def _peer(base: BaseModel, kind: type, request: GenerationRequest) -> diffusers.DiffusionPipeline:
    made = course(
        base.pipeline.scheduler, request.sampler, request.schedule, 8, torch.device("cpu")
    ).scheduler
    peer = kind(**{**base.pipeline.components, "scheduler": type(made).from_config(made.config)})
    peer.set_progress_bar_config(disable=True)
    return peer


@pytest.mark.parametrize("sampler", ["Euler", "Heun", "DPM2 a", "PLMS", "DPM++ SDE", "LCM"])
@pytest.mark.parametrize("fill", Fill)
def test_what_the_mask_protects_stays_and_the_rest_is_drawn(
    base: BaseModel, sampler: str, fill: Fill
) -> None:
    canvas = Canvas(_picture(), _half(), strength=0.9, blur=0, fill=fill)
    drawn = drain(denoise(base.pipeline, replace(REQUEST, sampler=sampler, canvas=canvas)))
    left, right = (0, 0, 32, 64), (32, 0, 64, 64)
    assert drawn.crop(left).tobytes() == _picture().crop(left).tobytes()
    assert _distance(drawn.crop(right), _picture().crop(right)) > 20


@pytest.mark.parametrize("sampler", ["Euler", "Heun", "DPM2", "PLMS", "DDIM"])
def test_protected_latents_end_as_the_canvas_has_them(base: BaseModel, sampler: str) -> None:
    ground = grounded(base.pipeline, Canvas(_picture(), _half(), blur=0), (64, 64))
    made = course(base.pipeline.scheduler, sampler, "Automatic", 6, torch.device("cpu"), 0.7)
    noise = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    latents = ground.started(made, noise)
    for done, timestep in enumerate(made.timesteps, start=1):
        scaled = made.scheduler.scale_model_input(latents, timestep)
        latents = made.scheduler.step(scaled, timestep, latents, return_dict=False)[0]
        latents = ground.kept(made, latents, noise, done)
    assert torch.equal(latents[..., :4], ground.latents.expand(2, -1, -1, -1)[..., :4])
    assert not torch.allclose(latents[..., 4:], ground.latents[..., 4:].expand(2, -1, -1, -1), atol=0.1)


def test_noise_under_the_mask_forgets_the_picture(base: BaseModel) -> None:
    made = course(base.pipeline.scheduler, "Euler", "Automatic", 6, torch.device("cpu"), 0.7)
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    starts = [
        grounded(base.pipeline, Canvas(_picture(seed), _half(), blur=0, fill=Fill.NOISE), (64, 64)).started(
            made, noise
        )
        for seed in (0, 1)
    ]
    assert torch.equal(starts[0][..., 4:], starts[1][..., 4:])
    assert not torch.equal(starts[0][..., :4], starts[1][..., :4])


def test_any_canvas_is_brought_to_the_requests_size(base: BaseModel) -> None:
    small = Canvas(_picture(size=(40, 90)).convert("RGBA"), _half(20).convert("RGB"))
    ground = grounded(base.pipeline, small, (96, 64))
    assert ground.latents.shape == (1, 4, 8, 12)
    assert ground.mask is not None
    assert ground.mask.unique().tolist() == [0.0, 1.0]
    edge = np.asarray(soft_mask(small, (96, 64)))[32]
    assert edge[0] == 0
    assert edge[-1] == 255
    assert ((edge > 0) & (edge < 255)).sum() > 4


def test_slerp_keeps_its_ends_and_stays_noise() -> None:
    a, b = (torch.randn(1, 4, 64, 64, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    torch.testing.assert_close(slerp(a, b, 0.0), a)
    torch.testing.assert_close(slerp(a, b, 1.0), b, atol=1e-4, rtol=1e-4)
    assert float(slerp(a, b, 0.5).std()) == pytest.approx(1.0, abs=0.03)
    assert float(torch.lerp(a, b, 0.5).std()) < 0.75
    assert torch.equal(slerp(a, a, 0.5), a)


def test_a_variation_of_full_strength_is_the_other_seed() -> None:
    shape = (1, 4, 8, 8)
    request = replace(REQUEST, variation_seed=9, variation_strength=1.0)
    varied = starting_noise(request, torch.Generator().manual_seed(5), shape)
    other = starting_noise(replace(REQUEST, seed=9), torch.Generator().manual_seed(9), shape)
    torch.testing.assert_close(varied, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("upscaler", Upscaler)
def test_hires_is_img2img_over_the_enlarged_picture(base: BaseModel, upscaler: Upscaler) -> None:
    request = replace(REQUEST, steps=4, batch=2, hires=Hires(1.5, 6, 0.5, upscaler))
    large = drain(paint(base.pipeline, request, plain(base.pipeline)))
    assert [one.size for one in large] == [(96, 96), (96, 96)]
    small = drain(denoise(base.pipeline, replace(request.of_picture(0), hires=None)))
    if upscaler is Upscaler.LANCZOS:
        canvas = Canvas(small.resize((96, 96), Image.Resampling.LANCZOS), strength=0.5)
        over = replace(REQUEST, steps=6, width=96, height=96, canvas=canvas)
        assert _distance(drain(denoise(base.pipeline, over)), large[0]) <= 1


def test_latents_grow_to_the_size_asked_for(base: BaseModel) -> None:
    latents = encode(base.pipeline, _picture())
    for upscaler in Upscaler:
        assert enlarged(base.pipeline, latents, upscaler, (96, 80)).shape == (1, 4, 10, 12)
    flat = torch.ones(1, 4, 8, 8) * torch.tensor([1.0, 2.0, 3.0, 4.0])[:, None, None]
    grown = enlarged(base.pipeline, flat, Upscaler.LATENT, (128, 128))
    torch.testing.assert_close(grown, flat[..., :1, :1].expand(1, 4, 16, 16))


def test_pictures_come_back_through_the_autoencoder(demo_base: BaseModel) -> None:
    picture = _picture(size=(128, 128))
    back = decode(demo_base.pipeline, encode(demo_base.pipeline, picture))
    assert np.abs(np.asarray(back, float) - np.asarray(picture, float)).mean() < 8
