"""The npm packages of the picture sets: which there are, and how a picture of 128x128 is drawn from each.

Every picture is cropped to what is drawn, scaled so that its longer side is 116 pixels, and put in the middle
of a white square.
"""

import io
import json
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import resvg_py
from dataset_names import codepoint_key, key_of_text
from PIL import Image, ImageDraw, ImageFont

SIDE = 128
LONG_SIDE = 116
#: Longer side at which vectors and glyphs are first drawn, unless the pack says otherwise.
DRAWN = 512


@dataclass(frozen=True)
class Pack:
    """One picture set: its npm package, licence, author, and how icons are found.

    `kind`: "chars" (an Iconify set with codepoints), "names" (one with emoji names alone), "table" (an
    Iconify set whose icons are named in dataset_icons.tsv under `table`), "font" (weight in `suffix`) or
    "webp" (files named by codepoint).
    """

    package: str
    licence: str
    author: str
    kind: str = "chars"
    table: str = ""
    suffix: str = ""
    colour: str = "#000000"
    drawn: int = DRAWN


def _icons(name: str, licence: str, author: str, **more: Any) -> Pack:
    return Pack(f"@iconify-json/{name}", licence, author, **more)


_CC4, _MIT, _APACHE, _OFL = "CC-BY-4.0", "MIT", "Apache-2.0", "OFL-1.1"
_PHOSPHOR, _SOLAR, _GLYPHS = ("ph", _MIT, "Phosphor"), ("solar", _CC4, "480 Design"), "Google Noto Emoji font"

PACKS: dict[str, Pack] = {
    "noto": _icons("noto", _APACHE, "Google Noto Emoji"),
    "noto-v1": _icons("noto-v1", _APACHE, "Google Noto Emoji (blobs)", kind="names"),
    "twemoji": _icons("twemoji", _CC4, "Twitter/jdecked Twemoji contributors"),
    "emojione": _icons("emojione", _CC4, "EmojiOne 2.3", kind="names"),
    "emojione-monotone": _icons("emojione-monotone", _CC4, "EmojiOne 2.2.7", kind="names"),
    "fxemoji": _icons(
        "fxemoji", "CC-BY-4.0 art (package says Apache-2.0)", "Mozilla", kind="table", table="fxemoji"
    ),
    # Its many gradients make it four times slower than any other set.
    "fluent-emoji": _icons("fluent-emoji", _MIT, "Microsoft", kind="names", drawn=256),
    "fluent-emoji-flat": _icons("fluent-emoji-flat", _MIT, "Microsoft"),
    "fluent-emoji-high-contrast": _icons("fluent-emoji-high-contrast", _MIT, "Microsoft"),
    "fluent-3d": Pack("@lobehub/fluent-emoji-3d", _MIT, "Microsoft via LobeHub", "webp"),
    "noto-mono-300": Pack("@fontsource/noto-emoji", _OFL, _GLYPHS, "font", suffix="300"),
    "noto-mono-700": Pack("@fontsource/noto-emoji", _OFL, _GLYPHS, "font", suffix="700"),
    "streamline-emojis": _icons(
        "streamline-emojis", _CC4, "Streamline", kind="table", table="streamline-emojis"
    ),
    "game-icons": _icons(
        "game-icons", "CC-BY-3.0", "game-icons.net authors", kind="table", table="game-icons"
    ),
    "p-icon-park": _icons("icon-park", _APACHE, "ByteDance", kind="table", table="icon-park"),
    "p-ph-duotone": _icons(*_PHOSPHOR, kind="table", table="ph", suffix="-duotone", colour="#7c3aed"),
    "p-ph-fill": _icons(*_PHOSPHOR, kind="table", table="ph", suffix="-fill"),
    "p-ph-thin": _icons(*_PHOSPHOR, kind="table", table="ph", suffix="-thin"),
    "p-solar-bold-duotone": _icons(
        *_SOLAR, kind="table", table="solar", suffix="-bold-duotone", colour="#1c64f2"
    ),
    "p-solar-broken": _icons(*_SOLAR, kind="table", table="solar", suffix="-broken"),
    "p-solar-linear": _icons(*_SOLAR, kind="table", table="solar", suffix="-linear"),
    "p-tabler-outline": _icons("tabler", _MIT, "Tabler", kind="table", table="tabler"),
}
#: Packages that name the emoji.
NAME_PACKAGES = ("emojibase-data", "emojilib")
#: Name in the table of emoji names that hold for any Iconify emoji set.
EMOJI_NAMES = "old-names"
#: Iconify packages that tell the codepoint of each icon name; the first that knows a name decides.
CHAR_PACKAGES = ("@iconify-json/fluent-emoji-flat", "@iconify-json/twemoji", "@iconify-json/noto")


def place(image: Image.Image) -> Image.Image:
    """Crop an RGBA drawing to what is drawn and centre it on white, 128x128 RGB.

    Raises ValueError when nothing is drawn.
    """
    box = image.getchannel("A").getbbox()
    if box is None:
        raise ValueError("an empty drawing")
    image = image.crop(box)
    scale = LONG_SIDE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image = image.resize(size, Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (SIDE, SIDE), "white")
    square.alpha_composite(image, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return square.convert("RGB")


def icon_svg(icons: dict[str, Any], name: str, colour: str) -> tuple[str, bool]:
    """The SVG of an icon (aliases followed) and whether it is at least as wide as high. Raises KeyError."""
    while name not in icons["icons"]:
        name = icons["aliases"][name]["parent"]
    icon = icons["icons"][name]
    left, top = (icon.get(key, icons.get(key, 0)) for key in ("left", "top"))
    width, height = (icon.get(key, icons.get(key, 16)) for key in ("width", "height"))
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        f' viewBox="{left} {top} {width} {height}" width="{width}" height="{height}" color="{colour}">'
        f"{icon['body']}</svg>"
    )
    return svg, width >= height


def draw_svg(svg: str, wide: bool, side: int) -> Image.Image:
    """The drawing with its longer side at `side` pixels, RGBA."""
    size = {"width": side} if wide else {"height": side}
    png = resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True, **size)
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA")


def draw_glyph(font: ImageFont.FreeTypeFont, text: str) -> Image.Image:
    """A character in black on nothing, RGBA."""
    image = Image.new("RGBA", (2 * DRAWN, 2 * DRAWN))
    ImageDraw.Draw(image).text((DRAWN // 2, DRAWN // 4), text, font=font, fill="black")
    return image


def glyph_files(folder: Path, weight: str) -> Iterator[tuple[Path, set[int]]]:
    """The font's part files of a weight with the characters that each holds."""
    parts = json.loads((folder / "unicode.json").read_text(encoding="utf-8"))
    for key, ranges in parts.items():
        held: set[int] = set()
        for found in re.finditer(r"U\+([0-9a-f]+)(?:-([0-9a-f]+))?", ranges):
            first = int(found[1], 16)
            held.update(range(first, int(found[2] or found[1], 16) + 1))
        yield folder / "files" / f"noto-emoji-{key.strip('[]')}-{weight}-normal.woff", held


def icon_codes(folder: Path) -> list[tuple[str, str]]:
    """Icon names of an unpacked Iconify package with their codepoint keys."""
    chars = json.loads((folder / "chars.json").read_text(encoding="utf-8"))
    return [(name, codepoint_key(code)) for code, name in chars.items()]


def drawings(
    pack: Pack, folder: Path, table: list[tuple[str, str, str]], wanted: Container[str]
) -> Iterator[tuple[str, str, Image.Image]]:
    """Codepoint key, file stem and RGBA drawing of every picture of a set that shows a `wanted` key.

    `folder` is the unpacked package, `table` has rows (pack, icon, codepoint key), those of dataset_icons.tsv
    and, under EMOJI_NAMES, the icon names that other packages know.
    """
    if pack.kind == "webp":
        for path in sorted((folder / "assets").glob("*.webp")):
            if (key := codepoint_key(path.stem)) in wanted:
                yield key, key, Image.open(path).convert("RGBA")
    elif pack.kind == "font":
        drawn: set[int] = set()
        for path, held in glyph_files(folder, pack.suffix):
            font = ImageFont.truetype(path, DRAWN)
            for code in sorted(held - drawn):
                if (key := key_of_text(chr(code))) in wanted:
                    drawn.add(code)
                    yield key, key, draw_glyph(font, chr(code))
    else:
        icons = json.loads((folder / "icons.json").read_text(encoding="utf-8"))
        known = icons["icons"].keys() | icons.get("aliases", {}).keys()
        chosen: dict[str, tuple[str, str]] = {}
        for stem, key, name in named_icons(pack, folder, table):
            if key in wanted and name in known:
                chosen.setdefault(stem, (key, name))
        for stem, (key, name) in chosen.items():
            yield key, stem, draw_svg(*icon_svg(icons, name, pack.colour), pack.drawn)


def named_icons(
    pack: Pack, folder: Path, table: list[tuple[str, str, str]]
) -> Iterator[tuple[str, str, str]]:
    """File stem, codepoint key and icon name of everything that an Iconify set may hold."""
    if pack.kind == "chars":
        yield from ((key, key, name) for name, key in icon_codes(folder))
    elif pack.kind == "names":
        yield from ((key, key, name) for kind, name, key in table if kind == EMOJI_NAMES)
    else:
        by_icon = pack.suffix or pack.table in ("icon-park", "tabler")
        for kind, icon, key in table:
            if kind == pack.table:
                name = icon + pack.suffix
                yield name if by_icon else key, key, name
