"""Pictures of fixed prompts and seeds, drawn now and then while a style learns; learning does not notice."""

from collections.abc import Sequence
from dataclasses import dataclass
from inspect import signature

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from eigenlorax.errors import InvalidRequestError
from eigenlorax.module_path import Component
from eigenlorax.recipe import AUTOMATIC
from eigenlorax.runtime.pixels import decode
from eigenlorax.runtime.samplers import course
from eigenlorax.training.picture_set import PictureSet
from eigenlorax.training.predictor import Predictor, Updates

_STEPS = 12
_GUIDANCE = 4.5
#: As many captions as are drawn where the user gives no prompts: what is learnt from, and what is not.
_LEARNT, _HELD = 2, 1
MOST_SAMPLES = 8


@dataclass(frozen=True)
class Sampled:
    """What the style draws just now.

    Attributes:
        step: Optimiser steps that it has learnt for.
        images: RGB, of the base's native size; one for each prompt.
        prompts: The same ones each time.
        done, total: How far teaching is.
    """

    step: int
    images: tuple[Image.Image, ...]
    prompts: tuple[str, ...]
    done: int
    total: int


class Sampler:
    """Draws a style as it is, one picture at a time; prompt i starts from the noise of seed + i.

    It has generators and a scheduler of its own and keeps no graph, so that learning goes on as if nothing
    had been drawn.

    Args:
        predictor: The base, injected.
        prompts: What to draw.
        seed: Of the first prompt's noise.

    Raises:
        InvalidRequestError: there are more prompts than are drawn beside learning.
    """

    def __init__(self, predictor: Predictor, prompts: Sequence[str], seed: int = 0) -> None:
        if len(prompts) > MOST_SAMPLES:
            raise InvalidRequestError(
                f"{len(prompts)} sample pictures are more than are drawn while a style learns: "
                f"give {MOST_SAMPLES} prompts at most"
            )
        self.prompts = tuple(prompts)
        self._predictor, self._seed = predictor, seed
        self._texts = [guided_texts(predictor, prompt, {}, torch.ones(1, 0)) for prompt in self.prompts]

    def drawn(self, updates: Updates) -> tuple[Image.Image, ...]:
        """One picture for each prompt.

        Args:
            updates: One style.
        """
        return tuple(self._picture(place, updates) for place in range(len(self.prompts)))

    def _picture(self, place: int, updates: Updates) -> Image.Image:
        weights, texts = torch.ones(1, 1, device=self._predictor.device), self._texts[place]
        if any(path.component is not Component.UNET for path in updates):
            texts = guided_texts(self._predictor, self.prompts[place], updates, weights)
        latents = drawn_latents(self._predictor, texts, self._seed + place, updates, weights)
        return decode(self._predictor.pipeline, latents)


@torch.no_grad()
def guided_texts(
    predictor: Predictor, prompt: str, updates: Updates, weights: Tensor
) -> tuple[Tensor, Tensor]:
    """No prompt, then the prompt, as the text encoders see them with these updates."""
    return predictor.encode([prompt, prompt], [True, False], updates, weights)


@torch.no_grad()
def drawn_latents(
    predictor: Predictor, texts: tuple[Tensor, Tensor], seed: int, updates: Updates, weights: Tensor
) -> Float[Tensor, "1 channels height width"]:
    """Scaled latents of one picture of the base's native size, in a few guided steps.

    Args:
        predictor: The base, injected; its scheduler is copied, never stepped.
        texts: As `guided_texts` gives them.
        seed: Of the noise, drawn on the CPU.
        updates: What the UNet wears; none for the bare base.
        weights: One row.

    Source: arXiv:2207.12598 (guidance).
    """
    pipeline, device = predictor.pipeline, predictor.device
    edge, chance = predictor.side // pipeline.vae_scale_factor, torch.Generator().manual_seed(seed)
    noise = torch.randn(1, pipeline.unet.config.in_channels, edge, edge, generator=chance)
    way = course(pipeline.scheduler, "", AUTOMATIC, _STEPS, device)
    chances = {"generator": chance} if "generator" in signature(way.scheduler.step).parameters else {}
    latents: Tensor = noise.to(device) * way.scheduler.init_noise_sigma
    for timestep in way.timesteps:
        seen = way.scheduler.scale_model_input(latents, timestep)
        both = predictor.ask(torch.cat([seen, seen]), timestep.expand(2), *texts, updates, weights).float()
        negative, positive = both.chunk(2)
        guided = negative + _GUIDANCE * (positive - negative)
        latents = way.scheduler.step(guided, timestep, latents, **chances, return_dict=False)[0]
    return latents


def due(before: int, now: int, every: int) -> bool:
    """Whether pictures are drawn after step `now`, `before` being the last step that was looked at.

    Args:
        every: Steps between pictures at least; 0 draws none.
    """
    return every > 0 and now // every > before // every


def usual_prompts(pictures: PictureSet) -> tuple[str, ...]:
    """Captions of the first two pictures that are learnt from, and of the first that is held out."""
    shown = [*pictures.learnt[:_LEARNT], *pictures.held[:_HELD]]
    return tuple(pictures.pictures[place].caption for place in shown)
