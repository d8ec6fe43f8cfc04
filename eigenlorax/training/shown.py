"""What a style is taught with: latents with captions and sizes, and the questions made of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from diffusers import StableDiffusionXLPipeline
from jaxtyping import Float, Int64
from torch import Tensor

from eigenlorax.training.predictor import Predictor, Updates


@dataclass(frozen=True)
class Shown:
    """Pictures of one size.

    Attributes:
        latents: float32, as the UNet sees them.
        captions: One for each.
        sizes: Original size, crop and target size in pixels, height first.
    """

    latents: Float[Tensor, "rows channels height width"]
    captions: tuple[str, ...]
    sizes: Float[Tensor, "rows 6"]


@runtime_checkable
class Material(Protocol):
    """Pictures to learn from and pictures that only measure."""

    def batch(self, step: int, rows: int, seed: int) -> Shown:
        """What a step learns from: the same for the same numbers, every picture equally often."""

    def held_out(self) -> Sequence[Shown]:
        """What is never learnt from."""

    def captions(self) -> Iterable[str]:
        """Every caption there is."""


@dataclass(frozen=True)
class Asked:
    """A question with its answer: noisy latents, and what the UNet should predict.

    Attributes:
        weight: What each row's squared error counts.
    """

    latents: Float[Tensor, "rows channels height width"]
    timesteps: Int64[Tensor, " rows"]
    target: Float[Tensor, "rows channels height width"]
    weight: Float[Tensor, " rows"]
    captions: tuple[str, ...]
    sizes: Float[Tensor, "rows 6"]


@dataclass(frozen=True)
class Schedule:
    """The noise that a model was trained with.

    Attributes:
        alphas: Cumulated alphas, on the CPU.
        velocity: Whether it predicts velocity rather than noise.
    """

    alphas: Float[Tensor, " timesteps"]
    velocity: bool

    @classmethod
    def of(cls, pipeline: StableDiffusionXLPipeline) -> "Schedule":
        """A pipeline's own."""
        scheduler = pipeline.scheduler
        return cls(scheduler.alphas_cumprod.cpu(), scheduler.config.prediction_type == "v_prediction")

    def ask(
        self,
        shown: Shown,
        timesteps: Int64[Tensor, " rows"],
        generator: torch.Generator,
        *,
        gamma: float = 0.0,
        offset: float = 0.0,
    ) -> Asked:
        """Noise pictures: x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) noise.

        Args:
            shown: The pictures.
            timesteps: One for each.
            generator: Of the noise.
            gamma: Signal-to-noise ratio above which rows count less; 0 counts all alike.
            offset: Share of noise that a whole channel has in common.

        Source: arXiv:2006.11239, equation 4; arXiv:2303.09556 (min-SNR); arXiv:2202.00512 (velocity).
        """
        clean = shown.latents
        noise = torch.randn(clean.shape, generator=generator)
        if offset:
            noise = noise + offset * torch.randn(*clean.shape[:2], 1, 1, generator=generator)
        share = self.alphas[timesteps].view(-1, 1, 1, 1)
        target = share.sqrt() * noise - (1 - share).sqrt() * clean if self.velocity else noise
        weight = torch.ones(len(timesteps))
        if gamma:
            ratio = self.alphas[timesteps] / (1 - self.alphas[timesteps]).clamp(min=1e-8)
            weight = ratio.clamp(max=gamma) / ((ratio + 1.0) if self.velocity else ratio.clamp(min=1e-8))
        noisy = share.sqrt() * clean + (1 - share).sqrt() * noise
        return Asked(noisy, timesteps, target, weight, shown.captions, shown.sizes)


class Captioned:
    """Captions as the bare base's text encoders see them, each encoded once.

    Args:
        predictor: The base.
        captions: All there are.
    """

    def __init__(self, predictor: Predictor, captions: Iterable[str]) -> None:
        self._known: dict[str, tuple[Tensor, Tensor]] = {}
        with torch.no_grad():
            for caption in dict.fromkeys(captions):
                tokens, pooled = predictor.encode([caption], [not caption], {}, torch.ones(1, 0))
                self._known[caption] = tokens, pooled

    def of(self, captions: Sequence[str]) -> tuple[Tensor, Tensor]:
        """(rows, 77, width) and (rows, pooled width)."""
        found = [self._known[caption] for caption in captions]
        return torch.cat([tokens for tokens, _ in found]), torch.cat([pooled for _, pooled in found])


class Posed(NamedTuple):
    """A question as it is put to the UNet: tensors on its device, and nothing else."""

    latents: Float[Tensor, "rows channels height width"]
    timesteps: Int64[Tensor, " rows"]
    target: Float[Tensor, "rows channels height width"]
    weight: Float[Tensor, " rows"]
    tokens: Float[Tensor, "rows 77 width"]
    pooled: Float[Tensor, "rows pooled"]
    sizes: Float[Tensor, "rows 6"]

    def squared_errors(
        self, predictor: Predictor, updates: Updates, weights: Tensor
    ) -> Float[Tensor, " rows"]:
        """As the function of that name."""
        answer = predictor.ask(
            self.latents, self.timesteps, self.tokens, self.pooled, updates, weights, self.sizes
        ).float()
        return (answer - self.target).square().flatten(1).mean(1)


def pose(predictor: Predictor, words: Captioned, asked: Asked) -> Posed:
    """Put a question's tensors where the UNet computes, its captions encoded."""
    return _placed(predictor, asked, *words.of(asked.captions))


def _placed(predictor: Predictor, asked: Asked, tokens: Tensor, pooled: Tensor) -> Posed:
    device = predictor.device
    return Posed(
        asked.latents.to(device), asked.timesteps.to(device), asked.target.to(device),
        asked.weight.to(device), tokens, pooled, asked.sizes.to(tokens),
    )  # fmt: skip


def squared_errors(
    predictor: Predictor, words: Captioned | None, asked: Asked, updates: Updates, weights: Tensor
) -> Float[Tensor, " rows"]:
    """Mean squared error of each row's prediction, differentiable in updates and weights.

    Args:
        words: Captions as the bare base sees them; None encodes them with the updates worn.
        weights: Strength of each stacked style in each row; one row serves all.
    """
    if words is not None:
        return pose(predictor, words, asked).squared_errors(predictor, updates, weights)
    captions = asked.captions
    encoded = predictor.encode(captions, [not caption for caption in captions], updates, weights)
    return _placed(predictor, asked, *encoded).squared_errors(predictor, updates, weights)
