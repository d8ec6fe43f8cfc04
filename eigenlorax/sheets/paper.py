"""A sheet as one picture: cells in a grid, with labels above and beside them."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from PIL import Image, ImageDraw, ImageFont

from eigenlorax.sheets.plan import Column, SheetPlan

GAP, PAD = 8, 18
MOST_CELL, MOST_SIDE = 512, 12_000
"""Pixels: of a cell's longer side, and of the sheet's."""
_INK, _PAPER, _FAINT, _WAITING = (34, 34, 40), (250, 249, 246), (105, 103, 112), (232, 229, 222)
_TITLE, _LABEL = 20, 15
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def paper(
    title: str, plan: SheetPlan, size: tuple[int, int], pictures: Mapping[tuple[int, int], Image.Image]
) -> Image.Image:
    """The labelled picture.

    Args:
        title: One line above all.
        plan: Whose labels stand above and beside.
        size: Width and height of a cell in pixels.
        pictures: (row, column) -> picture of that size; the others are left grey.
    """
    large, small = ImageFont.load_default(_TITLE), ImageFont.load_default(_LABEL)
    width, height = size
    labelled = any(plan.rows)
    margin = PAD + (min(220, max(90, width)) + PAD if labelled else 0)
    has_inner = any(column.inner for column in plan.columns)
    top = PAD + _TITLE + 14 + (_LABEL + 8) * (2 if has_inner else 1)
    across, down = width + GAP, height + GAP
    whole = (margin + len(plan.columns) * across - GAP + PAD, top + len(plan.rows) * down - GAP + PAD)
    sheet = Image.new("RGB", whole, _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((PAD, PAD - 4), shortened(title, large, whole[0] - 2 * PAD), fill=_INK, font=large)
    for first, count, value in _groups(plan.columns):
        left, span = margin + first * across, count * across - GAP
        y = top - 6 - ((_LABEL + 8) if has_inner else 0)
        draw.text((left + span / 2, y), shortened(value, small, span), fill=_INK, font=small, anchor="ms")
        if has_inner and count > 1:
            draw.line([(left, y + 7), (left + span - 1, y + 7)], fill=_WAITING, width=2)
    for place, column in enumerate(plan.columns):
        x = margin + place * across + width / 2
        draw.text((x, top - 6), shortened(column.inner, small, width), fill=_FAINT, font=small, anchor="ms")
    for row, label in enumerate(plan.rows):
        y = top + row * down
        lines = wrapped(label, small, margin - 2 * PAD, max(1, height // (_LABEL + 5)))
        for number, line in enumerate(lines):
            middle = y + height / 2 + (number - (len(lines) - 1) / 2) * (_LABEL + 5)
            draw.text((margin - PAD, middle), line, fill=_INK, font=small, anchor="rm")
        for column_place in range(len(plan.columns)):
            place_at = (margin + column_place * across, y)
            picture = pictures.get((row, column_place))
            if picture is None:
                draw.rectangle((*place_at, place_at[0] + width - 1, y + height - 1), fill=_WAITING)
            else:
                sheet.paste(picture, place_at)
    return sheet


def cell_size(size: tuple[int, int], columns: int, rows: int) -> tuple[int, int]:
    """Width and height of a cell: of the pictures' shape, small enough for the sheet to stay in bounds."""
    width, height = size
    factor = min(
        1.0,
        (MOST_SIDE / columns - GAP) / width,
        (MOST_SIDE / rows - GAP) / height,
    )  # fmt: skip
    return max(8, round(width * factor)), max(8, round(height * factor))


def _groups(columns: Sequence[Column]) -> list[tuple[int, int, str]]:
    """First place, count and value of columns that stand under one label."""
    found, first = [], 0
    for value, group in groupby(columns, key=lambda column: column.value):
        count = len(list(group))
        found.append((first, count, value))
        first += count
    return found


def shortened(text: str, font: _Font, width: float) -> str:
    """One line that fits, cut with an ellipsis where it must be."""
    text = " ".join(text.split())
    if font.getlength(text) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        fits = font.getlength(text[:middle] + "…") <= width
        low, high = (middle, high) if fits else (low, middle - 1)
    return text[:low].rstrip() + "…"


def wrapped(text: str, font: _Font, width: float, most: int) -> list[str]:
    """Lines that fit, broken between words, at most so many."""
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines.append(word)
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [shortened(line, font, width) for line in lines]
