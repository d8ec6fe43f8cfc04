"""What the contenders of the few-shot comparison draw, beside real pictures of the same subjects, as one sheet."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from tests.benchmarks.fewshot_ground import IMAGES, caption_of, pictures
from tests.benchmarks.fewshot_runs import Row

_SIDE, _GAP, _LABEL, _HEAD, _COUNT = 96, 4, 92, 24, 6
_REAL = "real"


def sheet(
    rows: Sequence[Row], folder: Path, names: Sequence[str], subjects: Mapping[str, str], shots: int
) -> Image.Image:
    """Two styles beside each other; of each a line of real pictures and one for each contender, by its first seed.

    Args:
        rows: Runs that have drawn.
        folder: Where their pictures lie.
        names: Contenders, from above.
        subjects: Caption without trigger -> subject.
        shots: Pictures that they have seen.
    """
    here = [row for row in rows if row["shots"] == shots and row["contender"] in names and row.get("drawn")]
    styles = sorted({row["style"] for row in here})
    font = ImageFont.load_default(13)
    step = _SIDE + _GAP
    wide, high = _LABEL + _COUNT * step + 3 * _GAP, _HEAD + (1 + len(names)) * step
    whole = Image.new("RGB", (2 * wide, (len(styles) + 1) // 2 * high), "white")
    pen = ImageDraw.Draw(whole)
    for place, style in enumerate(styles):
        left, top = place % 2 * wide, place // 2 * high
        pen.text((left + _LABEL, top + 5), style, "black", font)
        seen = {
            row["contender"]: row
            for row in sorted(here, key=lambda row: -row["seed"])
            if row["style"] == style
        }
        lines = [(_REAL, _real(style, subjects))]
        lines += [
            (name, [folder / file for file, _ in seen[name]["drawn"]]) for name in names if name in seen
        ]
        for number, (name, files) in enumerate(lines):
            down = top + _HEAD + number * step
            pen.multiline_text((left + 4, down + _SIDE // 2 - 8), name.replace(", ", ",\n"), "black", font)
            for across, file in enumerate(files[:_COUNT]):
                with Image.open(file) as one:
                    small = one.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
                whole.paste(small, (left + _LABEL + across * step, down))
    return whole


def _real(style: str, subjects: Mapping[str, str]) -> list[Path]:
    """The test pictures whose subjects are drawn, in the order of drawing."""
    files = pictures(IMAGES / style / "test")
    return [file for file in files if caption_of(file).rpartition(",")[0] in subjects]
