"""Samplers and schedules by the names that users know, made from the model's own scheduler."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import diffusers
import torch
from diffusers import SchedulerMixin
from diffusers.schedulers.scheduling_ddim import rescale_zero_terminal_snr
from diffusers.utils import is_scipy_available
from torch import Tensor

from eigenlorax.errors import InvalidRequestError
from eigenlorax.recipe import AUTOMATIC

_SIGMA_FLAGS = {
    "Karras": "use_karras_sigmas",
    "Exponential": "use_exponential_sigmas",
    "Beta": "use_beta_sigmas",
}
_SPACINGS = {"Uniform": "linspace", "SGM Uniform": "trailing", "Simple": "trailing"}
_SDE = {"algorithm_type": "sde-dpmsolver++", "solver_order": 2}
_UNCLIPPED = {"clip_sample": False}


@dataclass(frozen=True)
class _Kind:
    """A diffusers scheduler under a user's name.

    Attributes:
        scheduler: The class in diffusers.
        settings: What differs from the model's scheduler and the class's defaults.
        preferred: The schedule that A1111 takes when none is chosen; empty keeps the model's spacing.
        calls: Scheduler steps for one step as the user counts them.
    """

    scheduler: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    preferred: str = ""
    calls: int = 1


KINDS: Mapping[str, _Kind] = {
    "Euler": _Kind("EulerDiscreteScheduler"),
    "Euler a": _Kind("EulerAncestralDiscreteScheduler"),
    "Heun": _Kind("HeunDiscreteScheduler"),
    "DPM2": _Kind("KDPM2DiscreteScheduler", preferred="Karras"),
    "DPM2 a": _Kind("KDPM2AncestralDiscreteScheduler", preferred="Karras"),
    "LMS": _Kind("LMSDiscreteScheduler"),
    "DPM++ 2M": _Kind("DPMSolverMultistepScheduler", {"solver_order": 2}, "Karras"),
    # k-diffusion asks the UNet twice a step here, diffusers once: twice the steps are the same work.
    "DPM++ SDE": _Kind("DPMSolverSinglestepScheduler", _SDE, "Karras", calls=2),
    "DPM++ 2M SDE": _Kind("DPMSolverMultistepScheduler", _SDE, "Exponential"),
    "DPM++ 3M SDE": _Kind("DPMSolverMultistepScheduler", {**_SDE, "solver_order": 3}, "Exponential"),
    "UniPC": _Kind("UniPCMultistepScheduler"),
    "DEIS": _Kind("DEISMultistepScheduler"),
    # Latents leave [-1, 1], where DDIM and DDPM clip by default.
    "DDIM": _Kind("DDIMScheduler", {**_UNCLIPPED, "set_alpha_to_one": False}),
    "DDPM": _Kind("DDPMScheduler", _UNCLIPPED),
    "PLMS": _Kind("PNDMScheduler", {"skip_prk_steps": True}),
    "LCM": _Kind("LCMScheduler"),
    "TCD": _Kind("TCDScheduler"),
}


@dataclass(frozen=True)
class Course:
    """One pass through the noise levels.

    Attributes:
        scheduler: Fresh, used by this pass alone, set to its first timestep.
        timesteps: (calls,) one for each call of the UNet, descending.
        order: Consecutive calls that make one whole step.
    """

    scheduler: SchedulerMixin
    timesteps: Tensor
    order: int


def course(
    own: SchedulerMixin,
    sampler: str,
    schedule: str,
    steps: int,
    device: torch.device,
    strength: float | None = None,
) -> Course:
    """Make a scheduler and its timesteps.

    Args:
        own: The model's scheduler; what it says of the model (prediction type, betas, zero SNR) is kept.
        sampler: A key of KINDS; empty is the model's own.
        schedule: One that `recipe.SAMPLERS` has for the sampler.
        steps: In [1, 150], from pure noise.
        device: Where the timesteps go.
        strength: Of img2img, in [0, 1]: that part of the steps is left, one at least. None is all.

    Raises:
        InvalidRequestError: the sampler cannot do so many steps, or needs a package that is missing.
    """
    kind = KINDS[sampler] if sampler else _Kind(type(own).__name__)
    scheduler = _made(own, sampler, kind, schedule) if sampler else type(own).from_config(own.config)
    try:
        scheduler.set_timesteps(steps * kind.calls, device=device)
    except ValueError as error:
        name = sampler or kind.scheduler
        raise InvalidRequestError(f"{name} cannot do {steps} steps: choose fewer ({error})") from error
    left = steps if strength is None else max(min(int(steps * strength), steps), 1)
    begin = (steps - left) * scheduler.order * kind.calls
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(begin)
    timesteps = scheduler.timesteps[begin:]
    if begin and isinstance(scheduler, diffusers.PNDMScheduler):
        timesteps = _warmed_up(scheduler, begin)
    return Course(scheduler, timesteps, scheduler.order * kind.calls)


def name_of(scheduler: SchedulerMixin) -> str:
    """The user's name of a scheduler; its class's where there is none."""
    name = type(scheduler).__name__
    return next(
        (known for known, kind in KINDS.items() if kind.scheduler == name), name.removesuffix("Scheduler")
    )


def _made(own: SchedulerMixin, sampler: str, kind: _Kind, schedule: str) -> SchedulerMixin:
    if schedule == AUTOMATIC:
        schedule = kind.preferred
    if not is_scipy_available() and (sampler == "LMS" or schedule == "Beta"):
        what = sampler if sampler == "LMS" else f"the schedule {schedule}"
        raise InvalidRequestError(
            f"{what} needs scipy, which is not here: pip install scipy, or choose another"
        )
    changes = dict(kind.settings)
    made = getattr(diffusers, kind.scheduler)
    if schedule in _SPACINGS:
        changes["timestep_spacing"] = _SPACINGS[schedule]
    elif schedule:
        # Leading and trailing spacing would cut the ends off the noise levels that these reach from.
        changes["timestep_spacing"] = "linspace"
    changes |= {flag: name == schedule for name, flag in _SIGMA_FLAGS.items()}
    parameters = made._get_init_keys(made)
    if own.config.get("rescale_betas_zero_snr") and "rescale_betas_zero_snr" not in parameters:
        changes["trained_betas"] = _zero_snr_betas(own)
    return made.from_config(own.config, **{key: value for key, value in changes.items() if key in parameters})


def _zero_snr_betas(own: SchedulerMixin) -> list[float]:
    """Betas whose last noise level is all but pure noise: what is kept of the signal there is 2^-24.

    Source: arXiv:2305.08891, Algorithm 1; the floor is the one of diffusers' Euler.
    """
    plain = type(own).from_config(own.config, rescale_betas_zero_snr=False)
    betas = rescale_zero_terminal_snr(plain.betas)
    kept = torch.cumprod(1.0 - betas, dim=0)
    betas[-1] = 1.0 - 2.0**-24 / kept[-2]
    values: list[float] = betas.tolist()
    return values


def _warmed_up(scheduler: SchedulerMixin, begin: int) -> Tensor:
    """PLMS asks twice at its second timestep, wherever it begins."""
    distinct = scheduler.timesteps.unique().flip(0)[begin:]
    return torch.cat([distinct[:2], distinct[1:]])
