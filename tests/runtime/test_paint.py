"""Pictures drawn together are those drawn alone; a brush is asked as promised; cancelling leaves no trace."""

from collections.abc import Iterator
from dataclasses import replace

import diffusers
import numpy as np
import pytest
import torch
from torch import Tensor

from eigenlorax.events import drain
from eigenlorax.recipe import GenerationRequest, Hires
from eigenlorax.runtime.brush import Brush, plain
from eigenlorax.runtime.generate import denoise
from eigenlorax.runtime.paint import Preview, Step, paint
from eigenlorax.runtime.prompt import Prompt
from eigenlorax.runtime.sdxl import BaseModel

# diffusers 0.42.1 hands torch tensors to numpy 2's functions in some of its schedulers.
pytestmark = pytest.mark.filterwarnings("ignore:__array_wrap__ must accept context:DeprecationWarning")

REQUEST = GenerationRequest("a cat", seed=5, steps=4, guidance=4.0, width=64, height=64)


class Recorder:
    """A brush that remembers what it was asked."""

    def __init__(self, base: BaseModel, per_picture: bool = False, text_key: str | None = None) -> None:
        self.asked: list[tuple[int, int, torch.dtype]] = []
        self.steps: list[tuple[int, int]] = []
        self._plain = plain(base.pipeline)
        self.brush = Brush(self._unet, self._at_step, text_key, per_picture)

    def _unet(self, scaled: Tensor, timestep: Tensor, prompt: Prompt) -> Tensor:
        self.asked.append((len(scaled), len(prompt.tokens), scaled.dtype))
        return self._plain.unet(scaled, timestep, prompt)

    def _at_step(self, index: int, total: int) -> None:
        assert len(self.steps) == len(self.asked)
        self.steps.append((index, total))


@pytest.mark.parametrize(
    "request_",
    [
        replace(REQUEST, sampler="Euler"),
        replace(REQUEST, sampler="Euler a"),
        replace(REQUEST, sampler="DPM2 a"),
        replace(REQUEST, sampler="DPM++ SDE"),
        replace(REQUEST, sampler="DPM++ 2M SDE", guidance=1.0),
        replace(REQUEST, sampler="DDPM", negative_prompt="dog"),
        replace(REQUEST, sampler="LCM", variation_seed=8, variation_strength=0.3),
        replace(REQUEST, sampler="TCD", hires=Hires(1.25)),
    ],
    ids=lambda request: request.sampler,
)
@pytest.mark.parametrize("per_picture", [False, True])
def test_a_picture_does_not_depend_on_its_batch(
    base: BaseModel, request_: GenerationRequest, per_picture: bool
) -> None:
    brush = replace(plain(base.pipeline), per_picture=per_picture)
    together = drain(paint(base.pipeline, replace(request_, batch=3), brush))
    alone = [drain(denoise(base.pipeline, replace(request_, batch=3).of_picture(i))) for i in range(3)]
    for one, other in zip(together, alone, strict=True):
        assert int(np.abs(np.asarray(one, int) - np.asarray(other, int)).max()) <= 1
    assert len({one.tobytes() for one in together}) == 3


def test_the_brush_is_asked_with_negatives_before_positives(base: BaseModel) -> None:
    recorder = Recorder(base)
    events = list(paint(base.pipeline, replace(REQUEST, batch=2, sampler="Heun"), recorder.brush))
    assert events == [Step(n, 7) for n in range(1, 8)]
    assert recorder.steps == [(n, 7) for n in range(7)]
    assert recorder.asked == [(4, 4, torch.float32)] * 7
    recorder = Recorder(base)
    drain(
        paint(
            base.pipeline, replace(REQUEST, guidance=1.0, batch=2, hires=Hires(1.0, 2, 1.0)), recorder.brush
        )
    )
    assert recorder.asked == [(2, 2, torch.float32)] * 6
    assert recorder.steps == [(n, 6) for n in range(6)]


def test_the_first_half_of_the_rows_is_negative(base: BaseModel) -> None:
    rows: list[Tensor] = []
    own = plain(base.pipeline)

    def unet(scaled: Tensor, timestep: Tensor, prompt: Prompt) -> Tensor:
        rows.append(prompt.tokens)
        return own.unet(scaled, timestep, prompt)

    request = replace(REQUEST, negative_prompt="dog", batch=2, steps=1)
    drain(paint(base.pipeline, request, Brush(unet, own.at_step, None)))
    both = base.pipeline.encode_prompt("a cat", negative_prompt="dog")
    assert torch.equal(rows[0], torch.cat([both[1], both[1], both[0], both[0]]))


def test_closing_within_a_step_leaves_the_next_picture_as_it_was(base: BaseModel) -> None:
    for sampler in ("", "DPM++ 2M", "PLMS", "DPM++ SDE"):
        request = replace(REQUEST, sampler=sampler)
        before = drain(denoise(base.pipeline, request))
        painting = paint(base.pipeline, request, plain(base.pipeline), previews=1)
        assert isinstance(next(painting), Step)
        assert isinstance(next(painting), Preview)
        painting.close()
        assert list(painting) == []
        assert drain(denoise(base.pipeline, request)).tobytes() == before.tobytes()


@pytest.fixture
def broken(base: BaseModel) -> Iterator[Brush]:
    """A brush that fails at its second call."""
    calls: list[int] = []
    own = plain(base.pipeline)

    def unet(scaled: Tensor, timestep: Tensor, prompt: Prompt) -> Tensor:
        calls.append(len(scaled))
        if len(calls) == 2:
            raise MemoryError("full")
        return own.unet(scaled, timestep, prompt)

    yield Brush(unet, own.at_step, None)


def test_an_error_within_a_step_leaves_the_next_picture_as_it_was(base: BaseModel, broken: Brush) -> None:
    before = drain(denoise(base.pipeline, REQUEST))
    with pytest.raises(MemoryError):
        drain(denoise(base.pipeline, REQUEST, broken))
    assert drain(denoise(base.pipeline, REQUEST)).tobytes() == before.tobytes()


@pytest.mark.parametrize("rescale", [0.5, 1.0])
def test_guidance_is_rescaled_as_in_diffusers(base: BaseModel, rescale: float) -> None:
    ours = drain(denoise(base.pipeline, replace(REQUEST, guidance_rescale=rescale)))
    theirs = base.pipeline(
        REQUEST.prompt, num_inference_steps=4, guidance_scale=4.0, guidance_rescale=rescale, width=64, height=64,
        generator=torch.Generator().manual_seed(REQUEST.seed),
    ).images[0]  # fmt: skip
    assert int(np.abs(np.asarray(ours, int) - np.asarray(theirs, int)).max()) <= 1
    assert ours.tobytes() != drain(denoise(base.pipeline, REQUEST)).tobytes()


def test_v_prediction_with_zero_snr_draws_as_diffusers_does(base: BaseModel) -> None:
    scheduler = diffusers.EulerDiscreteScheduler.from_config(
        base.pipeline.scheduler.config, prediction_type="v_prediction", rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
    )  # fmt: skip
    peer = diffusers.StableDiffusionXLPipeline(**{**base.pipeline.components, "scheduler": scheduler})
    peer.set_progress_bar_config(disable=True)
    ours = drain(denoise(peer, replace(REQUEST, guidance_rescale=0.7)))
    theirs = peer(
        REQUEST.prompt, num_inference_steps=4, guidance_scale=4.0, guidance_rescale=0.7, width=64, height=64,
        generator=torch.Generator().manual_seed(REQUEST.seed),
    ).images[0]  # fmt: skip
    assert int(np.abs(np.asarray(ours, int) - np.asarray(theirs, int)).max()) <= 1
