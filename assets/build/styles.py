"""The image-made styles by name, and the one way to apply them.

`python assets/build/styles.py --data DIR --out sheet.png` draws a contact sheet: six subjects in all styles.
"""

import argparse
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import styles_craft as craft
import styles_ink as ink
import styles_light as light
import styles_paint as paint
from PIL import Image, ImageFilter

#: Gaussian blur, in pixels, of every finished picture: an 8x VAE of 2.4 M numbers carries no finer detail at 128 x 128,
#: and a style that lives on what the model cannot draw cannot be learnt.
SOFTNESS = 0.8
#: Styles that live on hard borders, on the VAE's own grid.
HARD: frozenset[str] = frozenset({"pixel"})

Style = Callable[[Image.Image, np.random.Generator], Image.Image]

#: Every image-made style: a picture of a subject on white, any size -> 128x128 RGB.
STYLES: dict[str, Style] = {
    "anaglyph": paint.anaglyph,
    "blueprint": light.blueprint,
    "bricks": craft.bricks,
    "chalk": light.chalk,
    "clay": craft.clay,
    "comic": ink.comic,
    "cross-stitch": craft.cross_stitch,
    "crt": light.crt,
    "engraving": ink.engraving,
    "frost": light.frost,
    "gold-foil": light.gold_foil,
    "halftone": ink.halftone,
    "ink-wash": ink.ink_wash,
    "marker": ink.marker,
    "mosaic": craft.mosaic,
    "neon": light.neon,
    "oil": paint.oil,
    "papercut": craft.papercut,
    "pastel": paint.pastel,
    "pencil": ink.pencil,
    "pixel": craft.pixel,
    "plaster": craft.plaster,
    "riso": ink.riso,
    "scratchboard": light.scratchboard,
    "sepia-photo": ink.sepia_photo,
    "silhouette": paint.silhouette,
    "spray": paint.spray,
    "stained-glass": craft.stained_glass,
    "stamp": ink.stamp,
    "sticker": craft.sticker,
    "thermal": light.thermal,
    "watercolour": paint.watercolour,
    "woodcut": ink.woodcut,
}


def apply_style(name: str, image: Image.Image, seed: int) -> Image.Image:
    """Draw `image` (a subject on white) in the style; the same name, picture and seed give the same result.

    Raises KeyError for an unknown style.
    """
    style = STYLES[name]
    salt = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    drawn = style(image, np.random.default_rng([salt, seed]))
    return drawn if name in HARD else drawn.filter(ImageFilter.GaussianBlur(SOFTNESS))


def contact_sheet(pictures: list[Image.Image], columns: int) -> Image.Image:
    """Pictures of 128x128 in rows on grey."""
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * 132, rows * 132), (128, 128, 128))
    for place, picture in enumerate(pictures):
        sheet.paste(picture, ((place % columns) * 132, (place // columns) * 132))
    return sheet


def main() -> None:
    """Draw the contact sheet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="data folder: <set>/<file>.webp")
    parser.add_argument("--set", default="twemoji", help="whose drawings to use")
    parser.add_argument("--files", nargs="*", default=["1f680", "1f431", "1f34e", "1f6b2", "1f3e0", "1f382"])
    parser.add_argument("--styles", nargs="*", default=sorted(STYLES))
    parser.add_argument("--out", type=Path, required=True, help="PNG to write")
    args = parser.parse_args()
    sources = [Image.open(args.data / args.set / f"{stem}.webp").convert("RGB") for stem in args.files]
    pictures = [
        apply_style(name, source, seed) for name in args.styles for seed, source in enumerate(sources)
    ]
    contact_sheet(pictures, columns=2 * len(sources)).save(args.out)


if __name__ == "__main__":
    main()
