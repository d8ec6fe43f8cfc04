"""What drawing commands are asked for: their options, and from them a request."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image

from eigenlorax.cli.common import blend_from
from eigenlorax.dials import AS_IT_IS, Dials
from eigenlorax.errors import InvalidFileError, InvalidRequestError
from eigenlorax.recipe import (
    Canvas,
    ControlHint,
    Fill,
    GenerationRequest,
    Hires,
    StyleBlend,
    Upscaler,
    seed_of,
)
from eigenlorax.studio import Studio
from eigenlorax.training.colours import decoded

Negative = Annotated[str, typer.Option(help="What they should not show.")]
Seed = Annotated[int, typer.Option(help="Of the noise; -1 is a new one each time.")]
Steps = Annotated[int, typer.Option(help="Denoising steps.")]
Guidance = Annotated[float, typer.Option("--guidance", "--cfg", help="Classifier-free guidance scale.")]
Size = Annotated[str, typer.Option(help="Such as 1024x768; by default the model's own.")]
Width = Annotated[int, typer.Option(help="Pixels, instead of --size.", show_default=False)]
Height = Annotated[int, typer.Option(help="Pixels, instead of --size.", show_default=False)]
Sampler = Annotated[
    str, typer.Option(help="By A1111's names, such as 'DPM++ 2M'; by default the model's own.")
]
Schedule = Annotated[str, typer.Option(help="Of the steps, such as Karras.")]
BatchSize = Annotated[int, typer.Option(help="Pictures; the seed counts up.")]
ClipSkip = Annotated[int, typer.Option(rich_help_panel="Fine points", help="A1111's counting for SDXL.")]
StyleOptions = Annotated[list[str] | None, typer.Option(help="NAME=STRENGTH; repeat it to blend.")]
Presets = Annotated[list[str] | None, typer.Option(help="A prompt preset to put over it; repeat it.")]
Triggers = Annotated[bool, typer.Option("--triggers/--no-triggers", help="Add the styles' trigger words.")]

_SIZE = re.compile(r"\s*(\d{1,5})\s*[xX×]\s*(\d{1,5})\s*")
_FACTORS = {field.name for field in fields(Dials)} - {"curve"}


@dataclass(frozen=True)
class Drawing:
    """The options that all drawing commands share; 0 and "" are the model's own."""

    prompt: str
    negative: str
    seed: int
    steps: int
    guidance: float
    size: str
    width: int
    height: int
    sampler: str
    schedule: str
    clip_skip: int


def asked_request(studio: Studio, asked: Drawing, styles: StyleBlend) -> GenerationRequest:
    """The request, sizes as the model's own where they were not given.

    Raises:
        InvalidRequestError: the size cannot be read.
    """
    width, height = _sides(asked, studio.base.native_size)
    return GenerationRequest(
        asked.prompt, asked.negative, seed_of(asked.seed), asked.steps, asked.guidance, width, height,
        styles, asked.sampler, asked.schedule, asked.clip_skip,
    )  # fmt: skip


def stop_from(given: str) -> dict[str, float]:
    """A blend from NAME=STRENGTH,NAME=STRENGTH."""
    return blend_from([part.strip() for part in given.split(",") if part.strip()])


def canvas_from(
    image: Path | None, mask: Path | None, denoise: float, blur: int, fill: Fill
) -> Canvas | None:
    """What is drawn over, if anything.

    Raises:
        InvalidRequestError: there is a mask without a picture.
        InvalidFileError: one of them is none.
    """
    if image is None:
        if mask is not None:
            raise InvalidRequestError("--mask needs --image, the picture that it lies on")
        return None
    return Canvas(picture_from(image), picture_from(mask).convert("L") if mask else None, denoise, blur, fill)


def control_from(
    model: str, image: Path | None, strength: float, start: float, end: float
) -> ControlHint | None:
    """What a ControlNet is to follow, if anything.

    Raises:
        InvalidRequestError: one of the two is missing.
        InvalidFileError: it is no picture.
    """
    if not model and image is None:
        return None
    if not model or image is None:
        raise InvalidRequestError("a ControlNet needs both --control and --control-image")
    return ControlHint(model, picture_from(image), strength, start, end)


def hires_from(scale: float, steps: int, denoise: float, upscaler: Upscaler) -> Hires | None:
    """The second pass; none at a scale of 0."""
    return Hires(scale, steps, denoise, upscaler) if scale else None


def dials_from(given: Sequence[str]) -> dict[str, Dials]:
    """Dials by style from NAME:PART=FACTOR and NAME:curve=PROGRESS:FACTOR,...

    Raises:
        InvalidRequestError: one of them is neither.
    """
    found: dict[str, Dials] = {}
    for one in given:
        name, colon, rest = one.partition(":")
        part, equals, value = rest.partition("=")
        try:
            if not (name and colon and equals):
                raise ValueError
            if part == "curve":
                points = (point.split(":") for point in value.split(","))
                change: dict[str, Any] = {
                    part: tuple((float(progress), float(factor)) for progress, factor in points)
                }
            elif part in _FACTORS:
                change = {part: float(value)}
            else:
                raise ValueError
        except ValueError as error:
            raise InvalidRequestError(
                f"{one!r} is no dial: write NAME:PART=FACTOR with a part of {', '.join(sorted(_FACTORS))}, "
                "or NAME:curve=0:1,1:0.5"
            ) from error
        found[name] = replace(found.get(name, AS_IT_IS), **change)
    return found


def picture_from(path: Path) -> Image.Image:
    """A picture file, upright and RGB.

    Raises:
        InvalidFileError: it cannot be read or is none.
    """
    try:
        return decoded(path.expanduser().read_bytes())[0]
    except OSError as error:
        raise InvalidFileError(f"{path} cannot be read ({error.strerror}): choose another file") from error
    except InvalidFileError as error:
        raise InvalidFileError(f"{path} {error}") from error


def sides_of(size: str) -> tuple[int, int]:
    """Width and height from 1024x768.

    Raises:
        InvalidRequestError: it is no size.
    """
    match = _SIZE.fullmatch(size)
    if match is None:
        raise InvalidRequestError(f"--size is {size!r}: write one such as 1024x768")
    return int(match[1]), int(match[2])


def _sides(asked: Drawing, native: int) -> tuple[int, int]:
    if not asked.size:
        return asked.width or native, asked.height or native
    if asked.width or asked.height:
        raise InvalidRequestError("--size and --width or --height are two sizes: give one of them")
    return sides_of(asked.size)
