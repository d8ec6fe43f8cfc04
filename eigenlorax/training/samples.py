"""Pictures of fixed prompts and seeds, drawn now and then while a style learns; learning does not notice."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
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
        self._texts = [self._encoded(prompt, {}, torch.ones(1, 0)) for prompt in self.prompts]

    def drawn(self, updates: Updates) -> tuple[Image.Image, ...]:
        """One picture for each prompt.

        Args:
            updates: One style.
        """
        return tuple(self._picture(place, updates) for place in range(len(self.prompts)))

    @torch.no_grad()
    def _picture(self, place: int, updates: Updates) -> Image.Image:
        predictor = self._predictor
        pipeline, device = predictor.pipeline, predictor.device
        weights = torch.ones(1, 1, device=device)
        tokens, pooled = self._texts[place]
        if any(path.component is not Component.UNET for path in updates):
            tokens, pooled = self._encoded(self.prompts[place], updates, weights)
        edge, chance = predictor.side // pipeline.vae_scale_factor, torch.Generator()
        noise = torch.randn(
            1, pipeline.unet.config.in_channels, edge, edge, generator=chance.manual_seed(self._seed + place)
        )
        way = course(pipeline.scheduler, "", AUTOMATIC, _STEPS, device)
        latents = noise.to(device) * way.scheduler.init_noise_sigma
        for timestep in way.timesteps:
            seen = way.scheduler.scale_model_input(latents, timestep)
            both = predictor.ask(
                torch.cat([seen, seen]), timestep.expand(2), tokens, pooled, updates, weights
            ).float()
            negative, positive = both.chunk(2)
            guided = negative + _GUIDANCE * (positive - negative)
            latents = way.scheduler.step(guided, timestep, latents, return_dict=False)[0]
        return decode(pipeline, latents)

    @torch.no_grad()
    def _encoded(self, prompt: str, updates: Updates, weights: Tensor) -> tuple[Tensor, Tensor]:
        """No prompt, then the prompt."""
        return self._predictor.encode([prompt, prompt], [True, False], updates, weights)


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
