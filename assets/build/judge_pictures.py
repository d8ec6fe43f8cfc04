"""Real pictures for the judge: whose drawings it learns from, and whose it is measured on.

It is measured by leaving one family out at a time: a vendor's real pictures are judged by a fit on all other
families, and a generated picture is judged without the family that it is most like. Every subject is treated
alike: each is shown to a judge in each style by the same number of vendors.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from judge_blocks import block_statistics
from judge_net import Bytes, Eyes, Features, Floats
from PIL import Image
from scipy import ndimage
from styles import HARD, apply_style
from subjects import BASE_SETS, LORA_SETS, STYLE_SOURCES, Row, is_test_subject

#: Side of the pictures.
SIDE = 128
#: Style name of pictures as the base draws them.
BASE_LOOK = "base"
#: Coloured sets outside the base's training from which styled pictures for fitting are made; the first two
#: are alike, so they take turns, and the third comes in where it has the subject.
FIT_SOURCES: tuple[str, ...] = ("fluent-emoji-flat", "fluent-3d", "streamline-emojis")
#: Blur (pixels) before the subject is looked for, in styles of tiles, dots and thick strokes.
BLUR: dict[str, float] = {
    "bricks": 3.0,
    "cross-stitch": 3.5,
    "crt": 2.0,
    "halftone": 3.5,
    "mosaic": 3.5,
    "oil": 3.0,
    "pixel": 4.0,
    "riso": 3.5,
    "stained-glass": 2.0,
}
#: Margin (pixels) cut off before the subject is looked for, in styles that frame it.
CUT: dict[str, int] = {"stamp": 20}
#: Blurs (pixels) of the pictures that the style judge is fitted on, in turn: it shall name styles, not sharpness.
SOFT: tuple[float, ...] = (0.0, 0.6, 1.2)
#: Coloured sets that show the base's look.
BASE_COLOURED: tuple[str, ...] = ("twemoji", "noto", "noto-v1", "emojione", "fxemoji")


@dataclass(frozen=True)
class Item:
    """One real picture: who drew it, what it shows, the style laid over it ("" for none), its use."""

    source: str
    file: str
    subject: str
    style: str
    to_fit: bool = True
    softness: float = 0.0

    @property
    def look(self) -> str:
        """The class for the style judge."""
        return self.style or (BASE_LOOK if self.source in BASE_SETS else self.source)


def plain_items(rows: list[Row], core: list[str]) -> list[Item]:
    """Every set's drawing of every common subject."""
    wanted = set(core)
    return [Item(row["set"], row["file"], row["name"], "") for row in rows if row["name"] in wanted]


def vendor_items(rows: list[Row], core: list[str]) -> list[Item]:
    """Other subjects, for the style judge: every second by each vendor."""
    known = set(core)
    others = [row for row in rows if row["name"] not in known]
    drawn = [row for row in others if row["set"] in LORA_SETS][::2]
    drawn += [row for row in others if row["set"] in BASE_COLOURED][::2]
    return [
        Item(row["set"], row["file"], row["name"], "", softness=SOFT[place % len(SOFT)])
        for place, row in enumerate(drawn)
    ]


def styled_items(rows: list[Row], core: list[str], style: str) -> list[Item]:
    """Pictures in one image-made style.

    Each subject by one or two of FIT_SOURCES and two of STYLE_SOURCES, in turn, to fit on; test subjects also
    by the others of STYLE_SOURCES, as reference.
    """
    files = {(row["set"], row["name"]): row["file"] for row in rows}
    items: list[Item] = []
    for number, name in enumerate(core):
        turns = {STYLE_SOURCES[number % 4], STYLE_SOURCES[(number + 1) % 4]}
        sources = [FIT_SOURCES[number % 2], FIT_SOURCES[2]]
        sources += [s for s in STYLE_SOURCES if s in turns or is_test_subject(name)]
        for source in sources:
            if (source, name) in files:
                to_fit = source in turns or source in FIT_SOURCES
                softness = SOFT[number % len(SOFT)] if to_fit and not is_test_subject(name) else 0.0
                softness = 0.0 if style in HARD else softness
                items.append(Item(source, files[source, name], name, style, to_fit, softness))
    return items


def paint(root: Path, item: Item) -> Bytes:
    """The picture, (128, 128, 3) uint8."""
    image = Image.open(root / item.source / item.file).convert("RGB")
    if item.style:
        image = apply_style(item.style, image, zlib.crc32(f"{item.source}/{item.file}".encode()))
    picture = np.asarray(image, dtype=np.uint8)
    return soften(picture[None], item.softness)[0] if item.softness else picture


def soften(pictures: Bytes, sigma: float) -> Bytes:
    """Gaussian blur of pictures (n, h, w, 3): melts tiles and dots so that the subject can be seen."""
    soft = ndimage.gaussian_filter(pictures.astype(np.float32), (0, sigma, sigma, 0), mode="nearest")
    return np.asarray(np.clip(soft, 0, 255), dtype=np.uint8)


def see(eyes: Eyes, pictures: Bytes, look: str) -> Features:
    """Features of pictures of one look; the subject is seen blurred or cut out where the look needs it."""
    features = eyes.see(pictures)
    if look in BLUR or look in CUT:
        margin, sigma = CUT.get(look, 0), BLUR.get(look, 0.0)
        inner = pictures[:, margin : SIDE - margin, margin : SIDE - margin]
        features = Features(eyes.see(soften(inner, sigma)).subject, features.style)
    return features


def gather(eyes: Eyes, root: Path, items: list[Item], cache: Path) -> tuple[Features, Floats]:
    """Features and block statistics (n, 2) of all items; what `cache` (npz) holds is not seen again."""
    names = [
        f"{i.source}/{i.file}#{i.style}~{CUT.get(i.style) or BLUR.get(i.style, 0)}~{i.softness}"
        for i in items
    ]
    rows: dict[str, tuple[Floats, Floats, Floats]] = {}
    if cache.exists():
        kept = np.load(cache)
        columns = (kept["subject"].astype(np.float32), kept["style"].astype(np.float32), kept["blocks"])
        rows = dict(zip(kept["names"].tolist(), zip(*columns, strict=True), strict=True))
    missing = [number for number, name in enumerate(names) if name not in rows]
    for start in range(0, len(missing), 128):
        batch = missing[start : start + 128]
        pictures = np.stack([paint(root, items[number]) for number in batch])
        features, blocks = see(eyes, pictures, items[batch[0]].style), block_statistics(pictures)
        for place, number in enumerate(batch):
            rows[names[number]] = (features.subject[place], features.style[place], blocks[place])
    subject, style, statistics = (np.stack([rows[name][part] for name in names]) for part in range(3))
    if missing:
        print(f"  {cache.stem}: {len(missing)} new of {len(items)} pictures", flush=True)
        cache.parent.mkdir(parents=True, exist_ok=True)
        halves = {"subject": subject.astype(np.float16), "style": style.astype(np.float16)}
        np.savez(cache, names=np.array(names), blocks=statistics, **halves)
    return Features(subject, style), statistics
