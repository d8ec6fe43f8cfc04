"""What is learnt from: pictures that the original LoRAs draw, kept as latents; no picture of the user's."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from eigenlorax.training.predictor import Predictor, Question, Updates

_WORDS = Path(__file__).parent / "words.txt"
_GUIDANCE = 4.5
_STEPS = 12
#: Every fifth subject is never learnt from: distances are measured on those.
_HELD = 5


@dataclass(frozen=True)
class Lesson:
    """Clean latents with the prompts that they show and the styles that drew them.

    Attributes:
        latents: float32 on the CPU, as the UNet sees them.
        prompts: One for each.
        styles: Place of each one's style in its group.
    """

    latents: Float[Tensor, "pictures channels height width"]
    prompts: tuple[str, ...]
    styles: Int64[Tensor, " pictures"]

    def asked(
        self,
        rows: Tensor,
        timesteps: Tensor,
        unprompted: Sequence[bool],
        alphas: Tensor,
        generator: torch.Generator,
    ) -> Question:
        """Some of the pictures at given timesteps: x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) noise.

        Args:
            rows: Which pictures.
            timesteps: One for each.
            unprompted: Which are asked about without their prompt.
            alphas: Cumulated alphas of the training schedule, on the CPU.
            generator: Of the noise.

        Source: arXiv:2006.11239, equation 4.
        """
        clean = self.latents[rows]
        noise = torch.randn(clean.shape, generator=generator)
        share = alphas[timesteps].view(-1, 1, 1, 1)
        return Question(
            share.sqrt() * clean + (1 - share).sqrt() * noise,
            timesteps,
            tuple(self.prompts[i] for i in rows.tolist()),
            tuple(unprompted),
            self.styles[rows],
        )


def subjects(model: Path | None) -> tuple[list[str], list[str]]:
    """What prompts are about: (to learn from, held out).

    Args:
        model: The base model's folder, if it has one; a `words.txt` in it, one subject a line, replaces the
            general list.
    """
    own = _WORDS if model is None else model / "words.txt"
    text = (own if own.is_file() else _WORDS).read_text(encoding="utf-8")
    words = [line.strip() for line in text.splitlines() if line.strip()]
    return [word for i, word in enumerate(words) if i % _HELD], words[::_HELD]


def draw_lesson(
    predictor: Predictor,
    teacher: Updates,
    prompts: Sequence[tuple[int, str]],
    styles: int,
    rows: int,
    generator: torch.Generator,
) -> Generator[int, None, Lesson]:
    """Draw each (style, prompt) with its teacher in a few steps, `rows` pictures at once.

    Args:
        predictor: The base.
        teacher: All LoRAs of the group.
        prompts: What to draw.
        styles: How many the group has.
        rows: Pictures in one pass; guidance doubles them.
        generator: Of the noise.

    Yields:
        How many pictures are done.
    """
    pipeline, found = predictor.pipeline, []
    edge = predictor.side // pipeline.vae_scale_factor
    for start in range(0, len(prompts), rows):
        part = prompts[start : start + rows]
        noise = torch.randn(len(part), pipeline.unet.config.in_channels, edge, edge, generator=generator)
        found.append(sampled(predictor, teacher, part, styles, noise, generator))
        yield start + len(part)
    return Lesson(
        torch.cat(found),
        tuple(prompt for _, prompt in prompts),
        torch.tensor([style for style, _ in prompts]),
    )


@torch.no_grad()
def sampled(
    predictor: Predictor,
    worn: Updates,
    prompts: Sequence[tuple[int, str]],
    styles: int,
    noise: Float[Tensor, "rows channels height width"],
    generator: torch.Generator,
    steps: int = _STEPS,
    guidance: float = _GUIDANCE,
) -> Float[Tensor, "rows channels height width"]:
    """Clean latents of (style, prompt) pairs drawn side by side, each from its noise with its own style worn.

    Args:
        predictor: The base; its pipeline's scheduler is used as configured.
        worn: Stacked for the group.
        prompts: One pair for each row.
        styles: How many the group has.
        noise: float32, standard normal.
        generator: Of what the scheduler draws, if it does.
        steps: Denoising steps.
        guidance: Classifier-free guidance scale.
    """
    pipeline, scheduler, count = predictor.pipeline, predictor.pipeline.scheduler, len(prompts)
    device = pipeline._execution_device
    places = torch.tensor([style for style, _ in prompts] * 2)
    weights = torch.nn.functional.one_hot(places, styles).float().to(device)
    words = [prompt for _, prompt in prompts] * 2
    tokens, pooled = predictor.encode(words, [True] * count + [False] * count, worn, weights)
    scheduler.set_timesteps(steps, device=device)
    latents = noise.to(device, pipeline.unet.dtype) * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        seen = scheduler.scale_model_input(torch.cat([latents, latents]), timestep)
        both = predictor.ask(seen, timestep.expand(2 * count), tokens, pooled, worn, weights)
        negative, positive = both.chunk(2)
        guided = negative + guidance * (positive - negative)
        latents = scheduler.step(guided, timestep, latents, generator=generator, return_dict=False)[0]
    return latents.float().cpu()
