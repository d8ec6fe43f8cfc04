"""What pictures are made from."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from PIL import Image

from eigenlorax.dials import MOST, StyleDials
from eigenlorax.errors import InvalidRequestError, refuse_outside

MAX_SEED = 2**32 - 1
MAX_BATCH = 16
MAX_HIRES_SIDE = 4096
AUTOMATIC = "Automatic"

_SGM = ("SGM Uniform", "Simple")
_SIGMAS = ("Karras", "Exponential", "Beta")
_SPACED = (AUTOMATIC, "Uniform", *_SGM)
_MULTISTEP = (AUTOMATIC, *_SGM, *_SIGMAS)
_ANY = (*_SPACED, *_SIGMAS)

SAMPLERS: Mapping[str, tuple[str, ...]] = {
    "Euler": _ANY, "Euler a": _SPACED, "Heun": _ANY, "DPM2": _ANY, "DPM2 a": _ANY[:-1], "LMS": _ANY,
    "DPM++ 2M": _MULTISTEP, "DPM++ SDE": (AUTOMATIC, "SGM Uniform", *_SIGMAS), "DPM++ 2M SDE": _MULTISTEP,
    "DPM++ 3M SDE": _MULTISTEP, "UniPC": _MULTISTEP, "DEIS": _MULTISTEP, "DDIM": (AUTOMATIC, *_SGM),
    "DDPM": _SPACED, "PLMS": (AUTOMATIC, *_SGM), "LCM": (AUTOMATIC,), "TCD": (AUTOMATIC,),
}  # fmt: skip
"""Sampler -> the schedules it can follow, both by the names that users know."""

StyleBlend = Mapping[str, float]
"""Style name -> strength: 1.0 as imported, 0.0 off, negative inverted."""


class Upscaler(Enum):
    """How a picture grows before it is drawn again; the values are A1111's words."""

    LATENT = "Latent"
    LANCZOS = "Lanczos"


class Fill(Enum):
    """What lies under the mask before it is repainted; the values are A1111's words."""

    ORIGINAL = "original"
    NOISE = "latent noise"


@dataclass(frozen=True)
class Hires:
    """Draw small, enlarge, and draw again over it.

    Attributes:
        scale: Factor of both sides, in [1, 4]; the sides are rounded to multiples of 8 pixels.
        steps: Denoising steps of the second pass before `strength` shortens them; 0 is as many as the first.
        strength: Denoising strength of the second pass, in [0, 1].
        upscaler: In latent space or between pixels.
    """

    scale: float = 2.0
    steps: int = 0
    strength: float = 0.7
    upscaler: Upscaler = Upscaler.LATENT


@dataclass(frozen=True)
class Canvas:
    """A picture to draw over, all of it or under a mask.

    Attributes:
        image: Any size; brought to the size of the request.
        mask: White is repainted, black stays; None repaints everything.
        strength: Denoising strength, in [0, 1]; that part of the steps is drawn.
        blur: Gaussian blur of the mask's edge, pixels, in [0, 64].
        fill: What lies under the mask at the start.
    """

    image: Image.Image
    mask: Image.Image | None = None
    strength: float = 0.75
    blur: int = 4
    fill: Fill = Fill.ORIGINAL


@dataclass(frozen=True)
class ControlHint:
    """A picture that a ControlNet lets the drawing follow.

    Attributes:
        model: A ControlNet for SDXL: a diffusers folder, a .safetensors file or a hub id.
        image: Edges, depth, a pose or what else the model was trained on; brought to the request's size.
        scale: Strength, in [0, 2].
        start, end: Share of the steps between which it acts, in [0, 1].
    """

    model: str
    image: Image.Image
    scale: float = 1.0
    start: float = 0.0
    end: float = 1.0


@dataclass(frozen=True)
class GenerationRequest:
    """Everything that decides a picture, apart from the base model and the subspace.

    Attributes:
        prompt: What the picture shows; `(word:1.2)`, `(word)`, `[word]` weigh words, `BREAK` starts a chunk.
        negative_prompt: What it should not show; the same grammar.
        seed: In [0, 2**32 - 1]; the same seed gives the same noise on every device.
        steps: Denoising steps, in [1, 150].
        guidance: Classifier-free guidance scale, in [1, 30]; 1 is without guidance.
        width: Pixels, a multiple of 8, in [64, 2048].
        height: Pixels, a multiple of 8, in [64, 2048].
        styles: Style name -> strength.
        sampler: One of SAMPLERS; empty is the model's own scheduler as configured.
        schedule: One that the sampler can follow; Automatic is what A1111 takes for it.
        clip_skip: In [1, 12], A1111's counting for SDXL: 1 and 2 are the last layer but one, as SDXL was
            trained, 3 the layer before it.
        variation_seed: In [0, 2**32 - 1]; a second noise that the first is mixed with.
        variation_strength: In [0, 1]; 0 is the seed's noise, 1 the variation seed's.
        batch: Pictures, in [1, 16]; see `of_picture` for their seeds.
        guidance_rescale: In [0, 1]; brings guided contrast back for zero-SNR models (arXiv:2305.08891).
        hires: The second, larger pass; None is without.
        canvas: What to draw over; None starts from noise.
        dials: Style name -> where and when it acts; a style without acts everywhere.
        blends: A blend for each picture, in place of `styles`; pictures share the seed then, and `batch` is
            their number.
        control: What to follow beside the prompt.
        prompts: A prompt and a negative one for each picture, in place of `prompt` and `negative_prompt`,
            which are the first picture's; empty where all have the same.
    """

    prompt: str
    negative_prompt: str = ""
    seed: int = 0
    steps: int = 20
    guidance: float = 5.0
    width: int = 1024
    height: int = 1024
    styles: StyleBlend = field(default_factory=dict)
    sampler: str = ""
    schedule: str = AUTOMATIC
    clip_skip: int = 1
    variation_seed: int = 0
    variation_strength: float = 0.0
    batch: int = 1
    guidance_rescale: float = 0.0
    hires: Hires | None = None
    canvas: Canvas | None = None
    dials: StyleDials = field(default_factory=dict)
    blends: tuple[StyleBlend, ...] = ()
    control: ControlHint | None = None
    prompts: tuple[tuple[str, str], ...] = ()

    @property
    def hires_size(self) -> tuple[int, int]:
        """Width and height in pixels after the second pass, or of the only one."""
        scale = 1.0 if self.hires is None else self.hires.scale
        return round(self.width * scale / 8) * 8, round(self.height * scale / 8) * 8

    @property
    def seeds(self) -> list[int]:
        """A number for each picture to decide by what else is left to chance, counted up from the seed."""
        return [(self.seed + place) % (MAX_SEED + 1) for place in range(self.batch)]

    def of_picture(self, index: int) -> "GenerationRequest":
        """The request that draws one picture of the batch alone.

        As in A1111 the seed counts up from picture to picture, or the variation seed where there is one;
        after the largest seed comes 0. Pictures with blends of their own share both.
        """
        prompt, negative = self.prompts[index] if self.prompts else (self.prompt, self.negative_prompt)
        alone = replace(self, batch=1, prompt=prompt, negative_prompt=negative, prompts=())
        if self.blends:
            return replace(alone, blends=(), styles=self.blends[index])
        if self.variation_strength:
            return replace(alone, variation_seed=(self.variation_seed + index) % (MAX_SEED + 1))
        return replace(alone, seed=(self.seed + index) % (MAX_SEED + 1))

    def with_prompts(self, each: Sequence[tuple[str, str]]) -> "GenerationRequest":
        """The request with a prompt and a negative one for each picture of the batch."""
        prompts = tuple(each) if len(set(each)) > 1 else ()
        return replace(self, prompt=each[0][0], negative_prompt=each[0][1], prompts=prompts)

    def stretch(self, start: int, count: int) -> "GenerationRequest":
        """The request that draws `count` pictures of the batch from `start` on."""
        prompts = self.prompts[start : start + count]
        first = replace(self.of_picture(start), batch=count, prompts=prompts)
        if self.blends:
            return replace(first, styles=self.styles, blends=self.blends[start : start + count])
        return first

    def check(self) -> None:
        """Refuse what cannot be drawn.

        Raises:
            InvalidRequestError: a setting lies outside its range; says which and what is allowed.
        """
        if not all(prompt.strip() for prompt in (self.prompt, *(prompt for prompt, _ in self.prompts))):
            raise InvalidRequestError("the prompt is empty: write what the picture should show")
        ranges: dict[str, tuple[float, float, float]] = {
            "seed": (self.seed, 0, MAX_SEED),
            "steps": (self.steps, 1, 150),
            "guidance": (self.guidance, 1, 30),
            "width": (self.width, 64, 2048),
            "height": (self.height, 64, 2048),
            "clip skip": (self.clip_skip, 1, 12),
            "variation seed": (self.variation_seed, 0, MAX_SEED),
            "variation strength": (self.variation_strength, 0, 1),
            "batch": (self.batch, 1, MAX_BATCH),
            "guidance rescale": (self.guidance_rescale, 0, 1),
        }
        if self.hires is not None:
            ranges["hires scale"] = (self.hires.scale, 1, 4)
            ranges["hires steps"] = (self.hires.steps, 0, 150)
            ranges["hires denoising strength"] = (self.hires.strength, 0, 1)
        if self.canvas is not None:
            ranges["denoising strength"] = (self.canvas.strength, 0, 1)
            ranges["mask blur"] = (self.canvas.blur, 0, 64)
        if self.control is not None:
            ranges["ControlNet strength"] = (self.control.scale, 0, 2)
            ranges["ControlNet start"] = (self.control.start, 0, self.control.end)
            ranges["ControlNet end"] = (self.control.end, 0, 1)
        refuse_outside(ranges)
        for name, size in (("width", self.width), ("height", self.height)):
            if size % 8:
                raise InvalidRequestError(f"{name} is {size}: choose a multiple of 8")
        self._check_sampler()
        for blend in (self.styles, *self.blends):
            for name, strength in blend.items():
                if not -MOST <= strength <= MOST:
                    raise InvalidRequestError(
                        f"{name}: the strength is {strength}: choose a number from {-MOST:g} to {MOST:g}"
                    )
        for name, dials in self.dials.items():
            dials.check(name)
        if self.blends and len(self.blends) != self.batch:
            raise InvalidRequestError(
                f"{len(self.blends)} blends for {self.batch} pictures: give one for each picture"
            )
        if self.prompts and len(self.prompts) != self.batch:
            raise InvalidRequestError(
                f"{len(self.prompts)} prompts for {self.batch} pictures: give one for each picture"
            )
        if self.hires is not None and self.canvas is not None:
            raise InvalidRequestError("hires starts from noise: take off hires or the canvas")
        if (largest := max(self.hires_size)) > MAX_HIRES_SIDE:
            raise InvalidRequestError(
                f"hires reaches {largest} pixels: choose a scale that stays within {MAX_HIRES_SIDE}"
            )

    def _check_sampler(self) -> None:
        if not self.sampler:
            if self.schedule != AUTOMATIC:
                raise InvalidRequestError(f"schedule {self.schedule} needs a sampler: choose one beside it")
        elif self.sampler not in SAMPLERS:
            raise InvalidRequestError(f"no sampler named {self.sampler}: choose from {', '.join(SAMPLERS)}")
        elif self.schedule not in (known := SAMPLERS[self.sampler]):
            raise InvalidRequestError(
                f"{self.sampler} has no schedule named {self.schedule}: choose from {', '.join(known)}"
            )


def seed_of(given: float | None) -> int:
    """A seed as given; a fresh one for a negative number, such as A1111's -1, or an empty field."""
    return secrets.randbelow(MAX_SEED + 1) if given is None or given < 0 else int(given)


def blend_path(stops: Sequence[StyleBlend], pictures: int) -> tuple[StyleBlend, ...]:
    """Blends along the straight way from stop to stop, the first and the last stop included.

    Args:
        stops: At least two.
        pictures: How many blends, in [2, 256].

    Raises:
        InvalidRequestError: too few stops, or a number of pictures that is out of range.
    """
    if len(stops) < 2:
        raise InvalidRequestError("a morph needs at least two blends: where it starts and where it ends")
    if not 2 <= pictures <= 256:
        raise InvalidRequestError(f"a morph of {pictures} pictures: choose a number from 2 to 256")
    names = list(dict.fromkeys(name for stop in stops for name in stop))
    found = []
    for picture in range(pictures):
        way = picture * (len(stops) - 1) / (pictures - 1)
        place = min(int(way), len(stops) - 2)
        share, before, after = way - place, stops[place], stops[place + 1]
        found.append({n: (1 - share) * before.get(n, 0.0) + share * after.get(n, 0.0) for n in names})
    return tuple(found)
