"""The picture of a style card: samples in a row, and below them what one should know of the style."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

_INK, _PAPER, _FAINT, _LINE = (34, 34, 40), (250, 249, 246), (120, 118, 126), (222, 219, 212)
_MARGIN, _GAP, _CELL = 28, 12, 320
_NAME, _WORDS, _FACTS = 40, 20, 15


def card_picture(
    name: str, trigger_words: Sequence[str], facts: Sequence[str], samples: Sequence[Image.Image]
) -> Image.Image:
    """Draw a card.

    Args:
        name: The style's.
        trigger_words: What prompts should hold.
        facts: Short phrases for the line at the foot, such as its bytes.
        samples: One to three pictures; each is cut from its middle, to a square where there are three.

    Returns:
        RGB, 1040 pixels wide.
    """
    count = max(len(samples), 1)
    width = 2 * _MARGIN + 3 * _CELL + 2 * _GAP
    side = (width - 2 * _MARGIN - (count - 1) * _GAP) // count
    height = _MARGIN + min(side, int(1.5 * _CELL))
    card = Image.new("RGB", (width, height + 168), _PAPER)
    draw = ImageDraw.Draw(card)
    for number, sample in enumerate(samples):
        cell = ImageOps.fit(sample.convert("RGB"), (side, height - _MARGIN), Image.Resampling.LANCZOS)
        card.paste(cell, (_MARGIN + number * (side + _GAP), _MARGIN))
    room, y = width - 2 * _MARGIN, height + 18
    words = f"say: {', '.join(trigger_words)}" if trigger_words else "no trigger words needed"
    draw.text((_MARGIN - 2, y), *_line(name, _NAME, room, _INK))
    draw.text((_MARGIN, y + 56), *_line(words, _WORDS, room, _FAINT))
    draw.line((_MARGIN, y + 98, width - _MARGIN, y + 98), fill=_LINE, width=1)
    draw.text((_MARGIN, y + 108), *_line("  ·  ".join(facts), _FACTS, room, _FAINT))
    return card


def _line(
    text: str, size: int, room: int, colour: tuple[int, int, int]
) -> tuple[str, tuple[int, int, int], ImageFont.FreeTypeFont | ImageFont.ImageFont]:
    """Text that fits into `room` pixels, smaller or shortened where it must be, with its colour and font."""
    font = ImageFont.load_default(size)
    while font.getlength(text) > room and size > 14:
        size -= 2
        font = ImageFont.load_default(size)
    if font.getlength(text) > room:
        while text and font.getlength(text + "…") > room:
            text = text[:-1]
        text += "…"
    return text, colour, font
