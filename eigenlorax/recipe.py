"""What a picture is made from, and the text that travels inside its PNG so it can be made again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from eigenlorax.errors import InvalidRequestError

MAX_SEED = 2**32 - 1

StyleBlend = Mapping[str, float]
"""Style name -> strength: 1.0 as imported, 0.0 off, negative inverted."""


@dataclass(frozen=True)
class GenerationRequest:
    """Everything that decides a picture, apart from the base model and the subspace.

    Attributes:
        prompt: What the picture shows.
        negative_prompt: What it should not show.
        seed: In [0, 2**32 - 1]; the same seed gives the same noise on every device.
        steps: Denoising steps, in [1, 150].
        guidance: Classifier-free guidance scale, in [1, 30]; 1 is without guidance.
        width: Pixels, a multiple of 8, in [64, 2048].
        height: Pixels, a multiple of 8, in [64, 2048].
        styles: Style name -> strength.
    """

    prompt: str
    negative_prompt: str = ""
    seed: int = 0
    steps: int = 20
    guidance: float = 5.0
    width: int = 1024
    height: int = 1024
    styles: StyleBlend = field(default_factory=dict)

    def check(self) -> None:
        """Refuse what cannot be drawn.

        Raises:
            InvalidRequestError: a setting lies outside its range; says which and what is allowed.
        """
        if not self.prompt.strip():
            raise InvalidRequestError("the prompt is empty: write what the picture should show")
        ranges: Mapping[str, tuple[float, float, float]] = {
            "seed": (self.seed, 0, MAX_SEED),
            "steps": (self.steps, 1, 150),
            "guidance": (self.guidance, 1, 30),
            "width": (self.width, 64, 2048),
            "height": (self.height, 64, 2048),
        }
        for name, (value, low, high) in ranges.items():
            if not low <= value <= high:
                raise InvalidRequestError(f"{name} is {value}: choose a number from {low} to {high}")
        for name, size in (("width", self.width), ("height", self.height)):
            if size % 8:
                raise InvalidRequestError(f"{name} is {size}: choose a multiple of 8")


def infotext(request: GenerationRequest, sampler: str, extras: Mapping[str, str]) -> str:
    """The generation parameters in A1111's grammar, as its PNG `parameters` chunk holds them.

    Args:
        request: What was drawn.
        sampler: The sampler's name as users know it.
        extras: Further pairs, such as the model's name; written last, in order.

    Source: AUTOMATIC1111/stable-diffusion-webui, modules/processing.py (create_infotext).
    """
    tags = "".join(f" <lora:{name}:{strength:g}>" for name, strength in request.styles.items() if strength)
    lines = [request.prompt + tags]
    if request.negative_prompt:
        lines.append(f"Negative prompt: {request.negative_prompt}")
    pairs = {
        "Steps": str(request.steps),
        "Sampler": sampler,
        "CFG scale": f"{request.guidance:g}",
        "Seed": str(request.seed),
        "Size": f"{request.width}x{request.height}",
        **extras,
    }
    lines.append(", ".join(f"{key}: {_quoted(value)}" for key, value in pairs.items()))
    return "\n".join(lines)


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if any(c in value for c in ',:"\n') else value
