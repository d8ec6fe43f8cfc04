"""Samplers go by A1111's names, draw what diffusers draws with them, and keep what the model's scheduler says."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import drain
from eigenlorax.recipe import AUTOMATIC, SAMPLERS, GenerationRequest
from eigenlorax.runtime import samplers
from eigenlorax.runtime.generate import denoise
from eigenlorax.runtime.pixels import decode
from eigenlorax.runtime.samplers import KINDS, course, name_of
from eigenlorax.runtime.sdxl import BaseModel

# diffusers 0.42.1 hands torch tensors to numpy 2's functions in some of its schedulers.
pytestmark = pytest.mark.filterwarnings("ignore:__array_wrap__ must accept context:DeprecationWarning")

CPU = torch.device("cpu")
REQUEST = GenerationRequest("a cat", seed=5, steps=6, guidance=4.0, width=64, height=64)
APPLE = GenerationRequest("a red apple", seed=5, steps=4, guidance=1.0, width=96, height=96)

# One of each pair that the test below shows to be the same.
DISTINCT = [
    (sampler, schedule)
    for sampler, schedules in SAMPLERS.items()
    for schedule in schedules
    if schedule != "Simple" and not (schedule == AUTOMATIC and KINDS[sampler].preferred)
]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_same_schedules_by_two_names(base: BaseModel, sampler: str) -> None:
    levels = {
        schedule: course(base.pipeline.scheduler, sampler, schedule, 7, CPU).timesteps.tolist()
        for schedule in SAMPLERS[sampler]
    }
    assert list(KINDS) == list(SAMPLERS)
    if preferred := KINDS[sampler].preferred:
        assert levels[AUTOMATIC] == levels[preferred]
    if "Simple" in levels:
        assert levels["Simple"] == levels["SGM Uniform"]
    different = [levels[schedule] for name, schedule in DISTINCT if name == sampler]
    assert all(a != b for place, a in enumerate(different) for b in different[:place])


def _first_and_last(sampler: str) -> set[str]:
    schedules = [schedule for name, schedule in DISTINCT if name == sampler]
    return {schedules[0], schedules[-1]}


def test_every_sampler_draws_the_picture_and_not_noise(demo_base: BaseModel) -> None:
    pipeline = demo_base.pipeline

    def drawn(sampler: str, schedule: str, steps: int) -> np.ndarray:
        request = replace(APPLE, sampler=sampler, schedule=schedule, steps=steps)
        return np.asarray(drain(denoise(pipeline, request)), float)

    ideal = drawn("Euler", AUTOMATIC, 30)
    generator = torch.Generator().manual_seed(APPLE.seed)
    noise = np.asarray(decode(pipeline, torch.randn(1, 4, 12, 12, generator=generator)), float)
    far = float(np.abs(noise - ideal).mean())
    ends = {(sampler, pick) for sampler in SAMPLERS for pick in _first_and_last(sampler)}
    distances = {pair: float(np.abs(drawn(*pair, 4) - ideal).mean()) for pair in sorted(ends)}
    # Four steps are few for the two-step methods on schedules that dwell at the ends.
    assert {pair: d for pair, d in distances.items() if not d < far} == {}
    plain = [d for (_, schedule), d in distances.items() if schedule in (AUTOMATIC, "SGM Uniform")]
    assert sorted(plain)[len(plain) // 2] < far / 3


@pytest.mark.parametrize(
    ("sampler", "schedule", "scheduler", "settings"),
    [
        ("Euler a", AUTOMATIC, diffusers.EulerAncestralDiscreteScheduler, {}),
        ("Heun", "Karras", diffusers.HeunDiscreteScheduler, {"use_karras_sigmas": True, "timestep_spacing": "linspace"}),
        ("DPM++ 2M", AUTOMATIC, diffusers.DPMSolverMultistepScheduler, {"use_karras_sigmas": True}),
        ("DPM++ 2M SDE", "Karras", diffusers.DPMSolverMultistepScheduler, {"use_karras_sigmas": True, "algorithm_type": "sde-dpmsolver++"}),
        ("UniPC", "SGM Uniform", diffusers.UniPCMultistepScheduler, {"timestep_spacing": "trailing"}),
        ("PLMS", AUTOMATIC, diffusers.PNDMScheduler, {"skip_prk_steps": True}),
        ("DDIM", AUTOMATIC, diffusers.DDIMScheduler, {"clip_sample": False, "set_alpha_to_one": False}),
        ("LCM", AUTOMATIC, diffusers.LCMScheduler, {}),
    ],
)  # fmt: skip
def test_same_picture_as_diffusers(
    base: BaseModel, sampler: str, schedule: str, scheduler: Any, settings: dict[str, Any]
) -> None:
    request = replace(REQUEST, sampler=sampler, schedule=schedule)
    ours = drain(denoise(base.pipeline, request))
    made = scheduler.from_config(base.pipeline.scheduler.config, **settings)
    peer = diffusers.StableDiffusionXLPipeline(**{**base.pipeline.components, "scheduler": made})
    peer.set_progress_bar_config(disable=True)
    theirs = peer(
        request.prompt, num_inference_steps=request.steps, guidance_scale=request.guidance, width=64, height=64,
        generator=torch.Generator().manual_seed(request.seed),
    ).images[0]  # fmt: skip
    assert int(np.abs(np.asarray(ours, int) - np.asarray(theirs, int)).max()) <= 1


@pytest.fixture
def without_scipy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that lacks scipy."""
    monkeypatch.setattr(samplers, "is_scipy_available", lambda: False)
    return


@pytest.mark.usefixtures("without_scipy")
@pytest.mark.parametrize(
    ("sampler", "schedule", "what"), [("LMS", AUTOMATIC, "LMS"), ("Euler", "Beta", "schedule Beta")]
)
def test_what_needs_scipy_says_so(base: BaseModel, sampler: str, schedule: str, what: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"{what} needs scipy"):
        course(base.pipeline.scheduler, sampler, schedule, 4, CPU)


def test_too_many_steps_for_a_sampler_are_refused_by_name(base: BaseModel) -> None:
    with pytest.raises(InvalidRequestError, match="LCM cannot do 60 steps: choose fewer"):
        course(base.pipeline.scheduler, "LCM", AUTOMATIC, 60, CPU)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_zero_snr_and_v_prediction_of_the_model_are_kept(sampler: str) -> None:
    own = diffusers.EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type="v_prediction",
        rescale_betas_zero_snr=True, timestep_spacing="trailing",
    )  # fmt: skip
    made = course(own, sampler, AUTOMATIC, 5, CPU)
    assert made.scheduler.config.prediction_type == "v_prediction"
    assert float(made.scheduler.alphas_cumprod[-1]) < 1e-6
    torch.testing.assert_close(made.scheduler.alphas_cumprod, own.alphas_cumprod, rtol=0.0, atol=1e-5)
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    latents = noise * made.scheduler.init_noise_sigma
    for timestep in made.timesteps:
        scaled = made.scheduler.scale_model_input(latents, timestep)
        latents = made.scheduler.step(0.1 * scaled, timestep, latents, return_dict=False)[0]
    assert bool(latents.isfinite().all())


def test_the_model_own_scheduler_is_copied_and_never_stepped(base: BaseModel) -> None:
    own = base.pipeline.scheduler
    before = dict(own.__dict__)
    drain(denoise(base.pipeline, REQUEST))
    drain(denoise(base.pipeline, replace(REQUEST, sampler="UniPC")))
    assert {key: value for key, value in own.__dict__.items() if value is not before[key]} == {}
    assert course(own, "", AUTOMATIC, 4, CPU).scheduler.config == own.config


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_strength_leaves_that_part_of_the_steps(base: BaseModel, sampler: str) -> None:
    whole = course(base.pipeline.scheduler, sampler, AUTOMATIC, 10, CPU).timesteps.tolist()
    half = course(base.pipeline.scheduler, sampler, AUTOMATIC, 10, CPU, 0.5).timesteps.tolist()
    least = course(base.pipeline.scheduler, sampler, AUTOMATIC, 10, CPU, 0.0).timesteps.tolist()
    assert set(half) <= set(whole)
    assert half[-1] == least[-1] == whole[-1]
    assert abs(2 * len(half) - len(whole)) <= 1
    assert len(least) == KINDS[sampler].calls


def test_names_of_schedulers(base: BaseModel) -> None:
    assert name_of(base.pipeline.scheduler) == "Euler"
    assert name_of(diffusers.EDMEulerScheduler()) == "EDMEuler"
