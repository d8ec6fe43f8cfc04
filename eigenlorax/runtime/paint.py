"""A request -> pictures, as a generator of events; closing it stops within a step."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from inspect import signature

import torch
from diffusers import SchedulerMixin, StableDiffusionXLPipeline
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import rescale_noise_cfg
from PIL import Image
from torch import Tensor

from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.brush import Brush
from eigenlorax.runtime.canvas import Ground, Size, enlarged, finished, grounded, starting_noise
from eigenlorax.runtime.pixels import decode
from eigenlorax.runtime.preview import estimate, previewed
from eigenlorax.runtime.prompt import Embedded, Prompt, embed, embed_each
from eigenlorax.runtime.samplers import Course, course


@dataclass(frozen=True)
class Step:
    """One denoising step, a call of the UNet, is done."""

    done: int
    total: int


@dataclass(frozen=True)
class Preview:
    """What the pictures will look like: small, one pixel for each place in the latents."""

    images: tuple[Image.Image, ...]
    done: int
    total: int


Painting = Generator[Step | Preview, None, list[Image.Image]]


def paint(
    pipeline: StableDiffusionXLPipeline, request: GenerationRequest, brush: Brush, previews: int = 0
) -> Painting:
    """Draw the pictures of a request together, each as if it were drawn alone.

    All noise is drawn on the CPU, and latents stay in float32 between calls of the UNet, so that a seed
    means the same picture on every device and beside any others.

    Args:
        pipeline: An SDXL pipeline; its scheduler is copied, never stepped.
        request: A checked request; its `styles` are not looked at here.
        brush: Asks the model, styles included.
        previews: A Preview follows every so many steps; 0 is without.

    Yields:
        A Step after each call of the UNet, over both passes where there are two.

    Returns:
        RGB pictures of `request.hires_size`, in the order of their seeds.

    Raises:
        InvalidRequestError: a sampler needs a package that is missing or cannot do so many steps, or clip
            skip goes deeper than the text encoders.

    Source: arXiv:2307.01952 (SDXL's size conditioning), arXiv:2207.12598 (guidance).
    """
    canvas, hires = request.canvas, request.hires
    first = _course(pipeline, request, request.steps, None if canvas is None else canvas.strength)
    second = None
    if hires is not None:
        second = _course(pipeline, request, hires.steps or request.steps, hires.strength)
    total = len(first.timesteps) + (0 if second is None else len(second.timesteps))
    rows = request.batch if brush.per_picture else 1
    try:
        encode = embed_each if request.prompts else embed
        texts = encode(pipeline, request, rows, brush.text_key)
        size = request.width, request.height
        ground = None if canvas is None else grounded(pipeline, canvas, size)
        painter = _Painter(pipeline, request, brush, texts, previews, total)
        latents = yield from painter.drawn(first, size, ground)
        if second is not None and hires is not None:
            large = request.hires_size
            start = Ground(enlarged(pipeline, latents, hires.upscaler, large))
            latents = yield from painter.drawn(second, large, start)
        return [finished(canvas, decode(pipeline, one[None])) for one in latents]
    finally:
        pipeline.maybe_free_model_hooks()


class _Painter:
    """Takes all pictures of a request through passes of denoising, counting calls of the UNet."""

    def __init__(
        self,
        pipeline: StableDiffusionXLPipeline,
        request: GenerationRequest,
        brush: Brush,
        texts: Embedded,
        previews: int,
        total: int,
    ) -> None:
        self._pipeline, self._request, self._brush = pipeline, request, brush
        self._texts, self._previews, self._total = texts, previews, total
        self._done = 0

    def drawn(
        self, course: Course, size: Size, ground: Ground | None
    ) -> Generator[Step | Preview, None, Tensor]:
        """One pass; returns (pictures, 4, h, w) float32 latents."""
        pipeline, scheduler = self._pipeline, course.scheduler
        alone = [self._request.of_picture(index) for index in range(self._request.batch)]
        generators = [torch.Generator("cpu").manual_seed(one.seed) for one in alone]
        factor, channels = pipeline.vae_scale_factor, pipeline.unet.config.in_channels
        shape = (1, channels, size[1] // factor, size[0] // factor)
        noise = torch.cat(
            [starting_noise(one, generator, shape) for one, generator in zip(alone, generators, strict=True)]
        ).to(pipeline._execution_device)
        latents = noise * scheduler.init_noise_sigma if ground is None else ground.started(course, noise)
        own = self._brush.per_picture or bool(self._request.prompts)
        prompt = self._texts.conditioned(1 if own else self._request.batch, *size)
        random = {"generator": generators} if "generator" in signature(scheduler.step).parameters else {}
        for index, timestep in enumerate(course.timesteps, start=1):
            self._brush.at_step(self._done, self._total)
            scaled, output = self._asked(scheduler, prompt, latents, timestep)
            latents = _stepped(scheduler, output, timestep, latents, random)
            if ground is not None:
                latents = ground.kept(course, latents, noise, index)
            self._done += 1
            yield Step(self._done, self._total)
            if self._previews and self._done % self._previews == 0:
                seen = previewed(pipeline.vae, estimate(scheduler, scaled, output, timestep))
                yield Preview(seen, self._done, self._total)
        return latents

    @torch.inference_mode()
    def _asked(
        self, scheduler: SchedulerMixin, prompt: Prompt, latents: Tensor, timestep: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What the UNet was given for each picture, and its guided answer; both (pictures, 4, h, w)."""
        scaled: Tensor = scheduler.scale_model_input(latents, timestep)
        guided = self._request.guidance > 1.0
        rows = torch.cat([scaled, scaled]) if guided else scaled
        output = self._brush.unet(rows.to(self._pipeline.unet.dtype), timestep, prompt).float()
        if not guided:
            return scaled, output
        negative, positive = output.chunk(2)
        output = negative + self._request.guidance * (positive - negative)
        if self._request.guidance_rescale:
            output = rescale_noise_cfg(output, positive, self._request.guidance_rescale)
        return scaled, output


def _course(
    pipeline: StableDiffusionXLPipeline, request: GenerationRequest, steps: int, strength: float | None
) -> Course:
    device = pipeline._execution_device
    return course(pipeline.scheduler, request.sampler, request.schedule, steps, device, strength)


@torch.inference_mode()
def _stepped(
    scheduler: SchedulerMixin,
    output: Tensor,
    timestep: Tensor,
    latents: Tensor,
    random: Mapping[str, list[torch.Generator]],
) -> Tensor:
    result: Tensor = scheduler.step(output, timestep, latents, **random, return_dict=False)[0]
    return result
