"""The words of sheets."""

from collections.abc import Mapping

from eigenlorax.sheets.axes import AxisKind
from ui import text
from ui.language import say

TAB = say("Sheets")
HEADING = say("Compare many at once")
INFO = say(
    "One picture for each combination, laid out with labels. Everything else is as it is "
    "set in Generate: prompt, seed, styles and all. A seed of −1 becomes one seed for "
    "the whole sheet. Choose values, or write one and press Enter; numbers may be 1-4, "
    "10-30 (+10) or 0.2-1 [5]."
)
COLUMNS = say("Columns")
ROWS = say("Rows")
WITHIN = say("Within each column")
CHANGES = say("{0}: what changes")
VALUES = say("{0}: values")
NOTHING = say("Nothing")
TRIGGERS = say("Each picture's styles bring their trigger words")
DRAW = say("Draw the sheet")
CANCEL = say("Cancel")
NO_STYLE = say("no style")
SHEET = say("Sheet")
NO_SHEET = say(
    "Choose what changes, then draw: a sheet shows what each style does, and how much of it is enough."
)

KINDS: Mapping[AxisKind, str] = {
    AxisKind.STYLE: say("Style"),
    AxisKind.STRENGTH: say("Strength"),
    AxisKind.PROMPT: say("Prompt"),
    AxisKind.SEED: say("Seed"),
    AxisKind.STEPS: say("Steps"),
    AxisKind.GUIDANCE: say("Guidance"),
    AxisKind.SAMPLER: say("Sampler"),
}


def planned(columns: int, rows: int, pictures: int, due: int, seconds: float | None) -> str:
    """How large a sheet is, and how long it takes."""
    across = text.count(columns, "column")
    size, different = f"{across} × {text.count(rows, 'row')}", text.count(pictures, "picture")
    kept = say(", {pictures} of them drawn already", pictures=pictures - due) if due < pictures else ""
    if due == 0:
        return say("{size}: {different}, all drawn already", size=size, different=different)
    if seconds is None:
        return say(
            "{size}: {different}{kept}. How long that takes is known once a picture has been drawn.",
            size=size,
            different=different,
            kept=kept,
        )
    return say(
        "{size}: {different}{kept} · about {duration}",
        size=size,
        different=different,
        kept=kept,
        duration=duration(seconds),
    )


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 90:
        return say("{seconds:.0f} s", seconds=max(1, round(seconds)))
    if seconds < 5400:
        return say("{minutes:.0f} min", minutes=seconds / 60)
    return say("{hours:.1f} hours", hours=seconds / 3600)


def drawn(count: int, kept: int, path: str) -> str:
    """What came of a sheet."""
    had = say(", {kept} were there already", kept=kept) if kept else ""
    return say(
        "{count} drawn{had}. Each picture is in the Gallery. Saved: {path}", count=count, had=had, path=path
    )
