"""Pictures from the demo model: a contact sheet of prompts, or one archive of many pictures for the judge.

python assets/build/sample.py --model assets/demo/model --out sheet.png --prompts "a red apple" "a rocket"
python assets/build/sample.py --model assets/demo/model --out base.zip --names names.txt --per 1 --device cuda
"""

import argparse
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image

DEFAULT_PROMPTS = (
    "a red apple",
    "a rocket",
    "a soccer ball",
    "a birthday cake",
    "a dog face",
    "a house",
    "a bicycle",
    "a rose",
    "a guitar",
    "a light bulb",
    "a cat, on a dark blue background",
    "an owl, in orange and black",
)


def load(model: Path, device: str) -> StableDiffusionXLPipeline:
    """The pipeline in float32 on `device`, silent."""
    pipeline = StableDiffusionXLPipeline.from_pretrained(
        model, torch_dtype=torch.float32, add_watermarker=False
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)


def draw(
    pipeline: StableDiffusionXLPipeline,
    prompts: Sequence[str],
    seed: int = 0,
    steps: int = 20,
    guidance: float = 4.5,
    batch: int = 250,
) -> list[Image.Image]:
    """One picture for each prompt; picture i starts from the noise of seed + i, made on the CPU."""
    pictures: list[Image.Image] = []
    for start in range(0, len(prompts), batch):
        part = list(prompts[start : start + batch])
        noise = [torch.Generator("cpu").manual_seed(seed + start + place) for place in range(len(part))]
        found = pipeline(part, num_inference_steps=steps, guidance_scale=guidance, generator=noise)
        pictures.extend(found.images)
    return pictures


def sheet(pictures: Sequence[Image.Image], columns: int) -> Image.Image:
    """The pictures side by side, `columns` to a row."""
    size = pictures[0].width
    rows = -(-len(pictures) // columns)
    result = Image.new("RGB", (columns * size, rows * size), "white")
    for place, picture in enumerate(pictures):
        result.paste(picture, (place % columns * size, place // columns * size))
    return result


def write_archive(path: Path, named: Sequence[tuple[str, Image.Image]]) -> None:
    """A zip of WebP pictures by name."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, picture in named:
            held = io.BytesIO()
            picture.save(held, "WEBP", quality=95)
            archive.writestr(f"{name}.webp", held.getvalue())


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="the diffusers folder")
    parser.add_argument("--out", type=Path, required=True, help=".png for a sheet, .zip for an archive")
    parser.add_argument("--prompts", nargs="*", default=list(DEFAULT_PROMPTS))
    parser.add_argument("--names", type=Path, help="file of 'name<TAB>prompt' lines, for an archive")
    parser.add_argument("--per", type=int, default=1, help="pictures for each line of --names")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=4.5)
    parser.add_argument("--columns", type=int, default=6)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    pipeline = load(arguments.model, arguments.device)
    drawing = {"seed": arguments.seed, "steps": arguments.steps, "guidance": arguments.guidance}
    if arguments.names:
        lines = [line.split("\t") for line in arguments.names.read_text().splitlines()]
        lines = [line for line in lines for _ in range(arguments.per)]
        pictures = draw(pipeline, [line[1] for line in lines], **drawing)
        named = [(f"{place:05d}_{line[0]}", pictures[place]) for place, line in enumerate(lines)]
        write_archive(arguments.out, named)
    else:
        sheet(draw(pipeline, arguments.prompts, **drawing), arguments.columns).save(arguments.out)


if __name__ == "__main__":
    main()
