"""The commands that draw: pictures, a way between blends, and two pictures to compare."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from eigenlorax.cases.pictures import Looking, compare_pictures
from eigenlorax.cases.tagged import tagged
from eigenlorax.cli.answer import Answer, table
from eigenlorax.cli.asking import (
    BatchSize,
    ClipSkip,
    Drawing,
    Guidance,
    Height,
    Negative,
    Presets,
    Sampler,
    Schedule,
    Seed,
    Size,
    Steps,
    StyleOptions,
    Triggers,
    Width,
    asked_request,
    canvas_from,
    control_from,
    dials_from,
    hires_from,
    stop_from,
)
from eigenlorax.cli.common import blend_from, opened
from eigenlorax.cli.options import DEFAULT_MODEL, DataDir, Model
from eigenlorax.cli.progress import watched
from eigenlorax.errors import InvalidRequestError
from eigenlorax.jobs.drawing import drawing_facts
from eigenlorax.library.animation import keep_animation
from eigenlorax.library.atomic import told, written_aside
from eigenlorax.recipe import AUTOMATIC, Fill, GenerationRequest, Upscaler, seed_of
from eigenlorax.studio import Finished, Studio

_FINE, _HIRES, _OVER, _CONTROL = "Fine points", "Second pass", "Over a picture", "ControlNet"
_PROMPT = "What the pictures show. `<lora:name:0.8>` puts a style on; wildcards and choices are filled in."
Prompt = Annotated[str, typer.Argument(help=_PROMPT)]


def generate(
    prompt: Prompt,
    data_dir: DataDir,
    style: StyleOptions = None,
    negative: Negative = "",
    seed: Seed = -1,
    steps: Steps = 20,
    guidance: Guidance = 5.0,
    size: Size = "",
    width: Width = 0,
    height: Height = 0,
    sampler: Sampler = "",
    schedule: Schedule = AUTOMATIC,
    batch: BatchSize = 1,
    out: Annotated[
        Path | None, typer.Option(help="PNG file to write too; of a batch, its name gets numbers.")
    ] = None,
    original: Annotated[
        str,
        typer.Option(
            rich_help_panel=_FINE, help="Wear this LoRA itself, NAME=STRENGTH, instead of styles, to compare."
        ),
    ] = "",
    preset: Presets = None,
    triggers: Triggers = True,
    dial: Annotated[
        list[str] | None,
        typer.Option(
            rich_help_panel=_FINE,
            help="NAME:PART=FACTOR turns a style up or down in a part: unet, text_encoder, text_encoder_2, "
            "composition, content, style or detail; NAME:curve=0:1,0.5:0.2 along the steps. Repeat it.",
        ),
    ] = None,
    clip_skip: ClipSkip = 1,
    variation_seed: Annotated[
        int, typer.Option(rich_help_panel=_FINE, help="A second noise to mix in; -1 is a new one.")
    ] = -1,
    variation: Annotated[
        float, typer.Option(rich_help_panel=_FINE, help="How much of it, from 0 to 1.")
    ] = 0.0,
    rescale: Annotated[
        float, typer.Option(rich_help_panel=_FINE, help="Guidance rescale, from 0 to 1, for zero-SNR models.")
    ] = 0.0,
    hires: Annotated[
        float,
        typer.Option(rich_help_panel=_HIRES, help="Draw again over the picture enlarged so many times."),
    ] = 0.0,
    hires_steps: Annotated[
        int, typer.Option(rich_help_panel=_HIRES, help="Steps of that pass; 0 is as many.")
    ] = 0,
    hires_denoise: Annotated[
        float, typer.Option(rich_help_panel=_HIRES, help="Denoising strength of that pass.")
    ] = 0.7,
    upscaler: Annotated[
        Upscaler, typer.Option(rich_help_panel=_HIRES, help="How it is enlarged.")
    ] = Upscaler.LATENT,
    image: Annotated[
        Path | None, typer.Option(rich_help_panel=_OVER, help="A picture to draw over (img2img).")
    ] = None,
    mask: Annotated[
        Path | None, typer.Option(rich_help_panel=_OVER, help="White is drawn over, black stays (inpaint).")
    ] = None,
    denoise: Annotated[
        float, typer.Option(rich_help_panel=_OVER, help="Denoising strength over the picture.")
    ] = 0.75,
    mask_blur: Annotated[int, typer.Option(rich_help_panel=_OVER, help="Of the mask's edge, in pixels.")] = 4,
    fill: Annotated[
        Fill, typer.Option(rich_help_panel=_OVER, help="What lies under the mask at the start.")
    ] = Fill.ORIGINAL,
    control: Annotated[
        str, typer.Option(rich_help_panel=_CONTROL, help="A ControlNet: folder, .safetensors file or hub id.")
    ] = "",
    control_image: Annotated[
        Path | None, typer.Option(rich_help_panel=_CONTROL, help="What it is to follow.")
    ] = None,
    control_strength: Annotated[float, typer.Option(rich_help_panel=_CONTROL, help="From 0 to 2.")] = 1.0,
    control_start: Annotated[
        float, typer.Option(rich_help_panel=_CONTROL, help="Share of the steps at which it begins.")
    ] = 0.0,
    control_end: Annotated[
        float, typer.Option(rich_help_panel=_CONTROL, help="Share of the steps at which it ends.")
    ] = 1.0,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Draw pictures in one style or a blend, and save them with their settings inside, as the page does."""
    if original and style:
        raise InvalidRequestError("--original draws a LoRA itself: leave --style out")
    canvas = canvas_from(image, mask, denoise, mask_blur, fill)
    hint = control_from(control, control_image, control_strength, control_start, control_end)
    second = hires_from(hires, hires_steps, hires_denoise, upscaler)
    dials = dials_from(dial or [])
    worn = blend_from(style or [])
    lora = blend_from([original]) if original else {}
    _check_out(out)
    studio = opened(model, data_dir)
    drawing = Drawing(
        prompt, negative, seed, steps, guidance, size, width, height, sampler, schedule, clip_skip
    )
    request = replace(
        asked_request(studio, drawing, worn),
        batch=batch,
        variation_seed=seed_of(variation_seed) if variation else 0,
        variation_strength=variation,
        guidance_rescale=rescale,
        hires=second,
        canvas=canvas,
        dials=dials,
        control=hint,
    )
    request = tagged(studio, request, preset or (), triggers=triggers)
    drawn = studio.generate(request)
    for name, strength in lora.items():
        drawn = studio.generate_with_lora(request, name, strength)
    return _answer(watched("Drawing", drawn), request, out)


def morph(
    prompt: Prompt,
    stop: Annotated[
        list[str],
        typer.Option(help="A blend that the way goes through, such as neon=1,chalk=0.5; at least two."),
    ],
    data_dir: DataDir,
    pictures: Annotated[int, typer.Option(help="How many, both ends included.")] = 8,
    negative: Negative = "",
    seed: Seed = -1,
    steps: Steps = 20,
    guidance: Guidance = 5.0,
    size: Size = "",
    width: Width = 0,
    height: Height = 0,
    sampler: Sampler = "",
    schedule: Schedule = AUTOMATIC,
    preset: Presets = None,
    clip_skip: ClipSkip = 1,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Draw one seed along a way between blends, and the way as a moving picture."""
    stops = [stop_from(one) for one in stop]
    studio = opened(model, data_dir)
    drawing = Drawing(
        prompt, negative, seed, steps, guidance, size, width, height, sampler, schedule, clip_skip
    )
    for blend in stops:
        tagged(studio, asked_request(studio, drawing, blend))  # names the style that is not there
    request = tagged(studio, asked_request(studio, drawing, {}), preset or (), triggers=False)
    finished = watched("Drawing", studio.morph(request, stops, pictures))
    animation = keep_animation([one.image for one in finished.pictures], finished.path)
    paths = [one.path for one in finished.pictures]
    content = {"pictures": paths, "animation": animation, "seed": request.seed}
    return Answer(content, [*map(str, paths), f"moving: {animation}"])


def compare(
    data_dir: DataDir,
    name: Annotated[list[str] | None, typer.Option(help="A style, repeat it; by default all.")] = None,
    prompt: Annotated[list[str] | None, typer.Option(help="What to draw; repeat it.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="With which noise; repeat it.")] = None,
    steps: Steps = Looking.steps,
    guidance: Guidance = Looking.guidance,
    out: Annotated[
        Path | None, typer.Option(help="Sheet to write: no style, the original LoRA, the style.")
    ] = None,
    model: Model = DEFAULT_MODEL,
) -> Answer:
    """Draw styles beside their original LoRAs and tell how far the pictures are apart."""
    usual = Looking()
    looking = Looking(tuple(prompt or usual.prompts), tuple(seed or usual.seeds), steps, guidance)
    studio = opened(model, data_dir)
    _check_names(studio, name)
    compared = watched("Drawing", compare_pictures(studio, name, looking))
    if out is not None:
        with told(out), written_aside(out) as aside:
            compared.sheet.save(aside, format=_format(out))
    rows = [
        (style, f"{one.relative:.1%}" if one.relative is not None else "-")
        for style, one in compared.figures.items()
    ]
    lines = [
        *table(("style", "distance"), rows),
        "distance to the original LoRA's pictures; 100% is as far as no style",
        *(f"{one}: its LoRA is no longer in the library" for one in compared.missing),
        f"sheet: {out}" if out else "",
    ]
    figures = {style: {**vars(one), "relative": one.relative} for style, one in compared.figures.items()}
    return Answer({"styles": figures, "missing": compared.missing, "sheet": out}, lines)


def _answer(finished: Finished, request: GenerationRequest, out: Path | None) -> Answer:
    count = len(finished.pictures)
    copies = [] if out is None else [out] if count == 1 else [_numbered(out, n) for n in range(1, count + 1)]
    for picture, copy in zip(finished.pictures, copies, strict=bool(copies)):
        with told(copy), written_aside(copy) as aside:
            aside.write_bytes(picture.path.read_bytes())
    content = drawing_facts(finished, request.steps, request)
    lines = [str(copy) for copy in copies] or [str(one.path) for one in finished.pictures]
    worn = ", ".join(f"{name} {strength:g}" for name, strength in request.styles.items())
    lines.append(
        f"seed {request.seed}{f', {worn}' if worn else ''}; styles changed in {finished.switch_ms:.1f} ms"
    )
    return Answer({**content, "copies": copies, "prompt": request.prompt, "styles": request.styles}, lines)


def _check_out(out: Path | None) -> None:
    if out is not None and out.suffix.lower() != ".png":
        raise InvalidRequestError(f"{out.name} is no PNG, which carries the settings: let it end in .png")


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


def _format(path: Path) -> str:
    kind = {".png": "PNG", ".webp": "WEBP", ".jpg": "JPEG", ".jpeg": "JPEG"}.get(path.suffix.lower())
    if kind is None:
        raise InvalidRequestError(f"{path.name} is no picture's name: let it end in .png, .webp or .jpg")
    return kind


def _check_names(studio: Studio, names: list[str] | None) -> None:
    for name in names or ():
        tagged(studio, GenerationRequest("x", styles={name: 1.0}))
