"""What a picture is made from, and the text that travels inside its PNG so it can be made again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from PIL import Image

from eigenlorax.errors import InvalidRequestError

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

_MODEL_PAIRS = ("Model hash", "Model", "VAE hash", "VAE")

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

    @property
    def hires_size(self) -> tuple[int, int]:
        """Width and height in pixels after the second pass, or of the only one."""
        scale = 1.0 if self.hires is None else self.hires.scale
        return round(self.width * scale / 8) * 8, round(self.height * scale / 8) * 8

    def of_picture(self, index: int) -> "GenerationRequest":
        """The request that draws one picture of the batch alone.

        As in A1111 the seed counts up from picture to picture, or the variation seed where there is one;
        after the largest seed comes 0.
        """
        if self.variation_strength:
            return replace(self, batch=1, variation_seed=(self.variation_seed + index) % (MAX_SEED + 1))
        return replace(self, batch=1, seed=(self.seed + index) % (MAX_SEED + 1))

    def check(self) -> None:
        """Refuse what cannot be drawn.

        Raises:
            InvalidRequestError: a setting lies outside its range; says which and what is allowed.
        """
        if not self.prompt.strip():
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
        for name, (value, low, high) in ranges.items():
            if not low <= value <= high:
                raise InvalidRequestError(f"{name} is {value}: choose a number from {low} to {high}")
        for name, size in (("width", self.width), ("height", self.height)):
            if size % 8:
                raise InvalidRequestError(f"{name} is {size}: choose a multiple of 8")
        self._check_sampler()
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


def infotext(request: GenerationRequest, sampler: str, extras: Mapping[str, str]) -> str:
    """The generation parameters in A1111's grammar and order, as its PNG `parameters` chunk holds them.

    Args:
        request: What was drawn.
        sampler: The name of the model's own scheduler, written when the request names no sampler.
        extras: Further pairs; model and VAE stand where A1111 has them, the others last, in order.

    Source: AUTOMATIC1111/stable-diffusion-webui, modules/processing.py (create_infotext).
    """
    tags = "".join(f" <lora:{name}:{strength:g}>" for name, strength in request.styles.items() if strength)
    lines = [request.prompt + tags]
    if request.negative_prompt:
        lines.append(f"Negative prompt: {request.negative_prompt}")
    pairs: dict[str, str | None] = {
        "Steps": str(request.steps),
        "Sampler": request.sampler or sampler,
        "Schedule type": None if request.schedule == AUTOMATIC else request.schedule,
        "CFG scale": f"{request.guidance:g}",
        "Seed": str(request.seed),
        "Size": f"{request.width}x{request.height}",
        **{key: extras[key] for key in _MODEL_PAIRS if key in extras},
        **_varied(request),
        **{key: value for key, value in extras.items() if key not in _MODEL_PAIRS},
    }
    written = {key: value for key, value in pairs.items() if value is not None}
    lines.append(", ".join(f"{key}: {_quoted(value)}" for key, value in written.items()))
    return "\n".join(lines)


def _varied(request: GenerationRequest) -> dict[str, str | None]:
    """What A1111 writes behind the model, in its order; None is left out."""
    hires, canvas, varied = request.hires, request.canvas, request.variation_strength > 0
    masked = canvas if canvas is not None and canvas.mask is not None else None
    repainted = hires or canvas
    return {
        "Variation seed": str(request.variation_seed) if varied else None,
        "Variation seed strength": f"{request.variation_strength:g}" if varied else None,
        "Denoising strength": None if repainted is None else f"{repainted.strength:g}",
        "Clip skip": str(request.clip_skip) if request.clip_skip > 1 else None,
        "Batch size": str(request.batch) if request.batch > 1 else None,
        "CFG Rescale": f"{request.guidance_rescale:g}" if request.guidance_rescale else None,
        "Hires upscale": None if hires is None else f"{hires.scale:g}",
        "Hires steps": None if hires is None or not hires.steps else str(hires.steps),
        "Hires upscaler": None if hires is None else hires.upscaler.value,
        "Mask blur": None if masked is None else str(masked.blur),
        "Masked content": None if masked is None else masked.fill.value,
    }


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if any(c in value for c in ',:"\n') else value
