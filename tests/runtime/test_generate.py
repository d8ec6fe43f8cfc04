"""Our denoising loop draws what diffusers' own pipeline draws."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from eigenlorax.events import drain
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.generate import Step, denoise
from eigenlorax.runtime.sdxl import BaseModel
from tests import tiny

REQUEST = GenerationRequest("a cat", seed=5, steps=4, guidance=4.0, width=64, height=64)


@pytest.mark.parametrize(
    "request_",
    [
        REQUEST,
        replace(REQUEST, guidance=1.0),
        replace(REQUEST, negative_prompt="dog"),
        replace(REQUEST, width=96),
    ],
)
def test_same_picture_as_diffusers(base: BaseModel, request_: GenerationRequest) -> None:
    ours = drain(denoise(base.pipeline, request_))
    theirs = base.pipeline(
        prompt=request_.prompt,
        negative_prompt=request_.negative_prompt or None,
        num_inference_steps=request_.steps,
        guidance_scale=request_.guidance,
        width=request_.width,
        height=request_.height,
        generator=torch.Generator().manual_seed(request_.seed),
    ).images[0]
    assert ours.size == (request_.width, request_.height)
    assert int(np.abs(np.asarray(ours, int) - np.asarray(theirs, int)).max()) <= 1


def test_one_event_per_step_and_cancel_by_closing(base: BaseModel) -> None:
    events = denoise(base.pipeline, REQUEST)
    assert next(events) == Step(1, 4)
    events.close()
    assert list(denoise(base.pipeline, REQUEST)) == [Step(n, 4) for n in (1, 2, 3, 4)]


def test_the_seed_decides(base: BaseModel) -> None:
    first, again = (drain(denoise(base.pipeline, REQUEST)) for _ in range(2))
    other = drain(denoise(base.pipeline, replace(REQUEST, seed=6)))
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_tiny_model_has_text_conditioning(base: BaseModel) -> None:
    assert base.native_size == tiny.SIDE
    a = drain(denoise(base.pipeline, REQUEST))
    b = drain(denoise(base.pipeline, replace(REQUEST, prompt="zebra 9")))
    assert a.tobytes() != b.tobytes()
