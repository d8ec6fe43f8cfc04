"""The truth about a collection as a table, and its pictures as a labelled contact sheet."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from eigenlorax.subspace.style import Style

_GAP = 8
_INK, _PAPER, _FAINT = (34, 34, 40), (250, 249, 246), (120, 118, 126)


@dataclass(frozen=True)
class SheetRow:
    """One row of a contact sheet: a label in the margin and one picture per column (None: left blank)."""

    label: str
    pictures: Sequence[Image.Image | None]


def contact_sheet(
    title: str, columns: Sequence[str], rows: Sequence[SheetRow], cell: int = 160
) -> Image.Image:
    """Lay pictures out in a labelled grid.

    Args:
        title: One line above the grid.
        columns: A label above each column.
        rows: Pictures are resized to squares of `cell` pixels.
        cell: Side of one picture, pixels.
    """
    large, small = ImageFont.load_default(20), ImageFont.load_default(13)
    margin = 24 + max(int(small.getlength(row.label)) for row in rows)
    top = 76
    width = margin + len(columns) * (cell + _GAP) + _GAP
    height = top + len(rows) * (cell + _GAP) + _GAP
    width = max(width, int(large.getlength(title)) + 2 * _GAP)
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_GAP + 4, 12), title, fill=_INK, font=large)
    for index, label in enumerate(columns):
        x = margin + index * (cell + _GAP) + cell / 2
        draw.text((x, top - 10), _shortened(label, small, cell), fill=_INK, font=small, anchor="ms")
    for number, row in enumerate(rows):
        y = top + number * (cell + _GAP)
        draw.text((margin - 12, y + cell / 2), row.label, fill=_FAINT, font=small, anchor="rm")
        for index, picture in enumerate(row.pictures):
            if picture is not None:
                place = (margin + index * (cell + _GAP), y)
                sheet.paste(picture.resize((cell, cell), Image.Resampling.LANCZOS), place)
    return sheet


def stacked(sheets: Sequence[Image.Image]) -> Image.Image:
    """Sheets below each other, on one paper; not empty."""
    width, height = max(sheet.width for sheet in sheets), sum(sheet.height for sheet in sheets)
    whole = Image.new("RGB", (width, height), _PAPER)
    for number, sheet in enumerate(sheets):
        whole.paste(sheet, (0, sum(above.height for above in sheets[:number])))
    return whole


def _shortened(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def fidelity_table(styles: Sequence[Style], stored_bytes: int) -> str:
    """One line per style, nearest to its LoRA first, and the collection's bytes below.

    The two figures beside the weight error say what the same LoRA would lose on its own: cut to the style's
    ranks, and cut at the style's bytes with its part of the bases.

    Args:
        styles: Saved styles, so that their sizes are known.
        stored_bytes: Bases and styles together, on disk.
    """
    lines = [
        f"{'style':<22} {'effect kept':>11} {'weight error':>12} {'own ranks':>9} {'own bytes':>9} "
        f"{'verdict':>9} {'LoRA bytes':>11} {'style bytes':>11}  worst module (kept)"
    ]
    for style in sorted(styles, key=lambda style: -style.fidelity.effect_kept):
        f = style.fidelity
        lines.append(
            f"{style.name:<22} {f.effect_kept:>10.1%}  {f.weight_error:>11.3f} {_error(f.own_error):>9} "
            f"{_error(f.alone_error):>9} {f.verdict.value:>10} "
            f"{f.original_bytes:>11,} {f.style_bytes:>11,}  {f.worst_module} ({f.worst_kept:.0%})"
        )
    lines += [f"{style.name}: {style.fidelity.remark}" for style in styles if style.fidelity.remark]
    original = sum(style.fidelity.original_bytes for style in styles)
    lines.append(size_line(len(styles), original, stored_bytes))
    return "\n".join(lines)


def _error(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def size_line(count: int, original_bytes: int, stored_bytes: int) -> str:
    """Bytes before and after, headers included, and their ratio."""
    return (
        f"{count} LoRAs: {original_bytes / 1e6:.2f} MB before, {stored_bytes / 1e6:.2f} MB after "
        f"(bases and styles), {original_bytes / stored_bytes:.1f}x"
    )
