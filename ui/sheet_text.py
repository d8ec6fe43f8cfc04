"""The words of sheets."""

from collections.abc import Mapping

from eigenlorax.sheets.axes import AxisKind
from ui import text

TAB = "Sheets"
HEADING = "Compare many at once"
INFO = (
    "One picture for each combination, laid out with labels. Everything else is as it is set in Generate: "
    "prompt, seed, styles and all. A seed of −1 becomes one seed for the whole sheet. Choose values, or "
    "write one and press Enter; numbers may be 1-4, 10-30 (+10) or 0.2-1 [5]."
)
COLUMNS = "Columns"
ROWS = "Rows"
WITHIN = "Within each column"
CHANGES = "{0}: what changes"
VALUES = "{0}: values"
NOTHING = "Nothing"
TRIGGERS = "Each picture's styles bring their trigger words"
DRAW = "Draw the sheet"
CANCEL = "Cancel"
SHEET = "Sheet"
NO_SHEET = "Choose what changes, then draw: a sheet shows what each style does, and how much of it is enough."

KINDS: Mapping[AxisKind, str] = {
    AxisKind.STYLE: "Style",
    AxisKind.STRENGTH: "Strength",
    AxisKind.PROMPT: "Prompt",
    AxisKind.SEED: "Seed",
    AxisKind.STEPS: "Steps",
    AxisKind.GUIDANCE: "Guidance",
    AxisKind.SAMPLER: "Sampler",
}


def planned(columns: int, rows: int, pictures: int, due: int, seconds: float | None) -> str:
    """How large a sheet is, and how long it takes."""
    across = text.count(columns, "column")
    size, different = f"{across} × {text.count(rows, 'row')}", text.count(pictures, "picture")
    kept = f", {pictures - due} of them drawn already" if due < pictures else ""
    if due == 0:
        return f"{size}: {different}, all drawn already"
    if seconds is None:
        return f"{size}: {different}{kept}. How long that takes is known once a picture has been drawn."
    return f"{size}: {different}{kept} · about {duration(seconds)}"


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} hours"


def drawn(count: int, kept: int, path: str) -> str:
    """What came of a sheet."""
    had = f", {kept} were there already" if kept else ""
    return f"{count} drawn{had}. Each picture is in the Gallery. Saved: {path}"
