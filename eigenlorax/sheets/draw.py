"""The use case of a sheet: its pictures are drawn one after the other and laid out in one."""

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from PIL import Image, PngImagePlugin

from eigenlorax.easel import Drawing
from eigenlorax.errors import UnknownStyleError
from eigenlorax.events import retold
from eigenlorax.library.atomic import told, written_aside
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.paint import Step
from eigenlorax.sheets.axes import AxisKind
from eigenlorax.sheets.drawn_book import DrawnBook, recipe_key
from eigenlorax.sheets.paper import MOST_CELL, cell_size, paper
from eigenlorax.sheets.plan import SheetPlan, SheetWish, planned
from eigenlorax.studio import Studio
from eigenlorax.subspace.style import Style

_SHOWN_CELL = 96
"""Pixels of a cell's longer side in the sheet that is shown while it grows."""


@dataclass(frozen=True)
class SheetProgress:
    """A step of one of the pictures, or one that is done.

    Attributes:
        done: Steps so far, of `total`.
        total: Steps of all pictures that have to be drawn.
        what: Which picture, in words.
        sheet: How the sheet looks by now, small; with the events that end a picture only.
    """

    done: int
    total: int
    what: str
    sheet: Image.Image | None = None


@dataclass(frozen=True)
class SheetMade:
    """A sheet that is done.

    Attributes:
        path: The labelled picture; its text draws the first cell again.
        cells: The files of its pictures, by row, then by column.
        drawn, kept: How many pictures were drawn for it, and how many there were already.
    """

    path: Path
    cells: tuple[tuple[Path, ...], ...]
    drawn: int
    kept: int


def plan_of(studio: Studio, wish: SheetWish) -> SheetPlan:
    """A sheet laid out with the styles that a studio has or can make.

    Raises:
        InvalidRequestError: an axis or a setting is out of range.
        UnknownStyleError: a style is neither here nor can be made.
    """
    plan = planned(wish, studio.styles)
    names = dict.fromkeys(name for request in plan.requests for name in request.styles)
    if unknown := [name for name in names if not studio.blending.can_make(name)]:
        raise UnknownStyleError(f"no style named {', '.join(unknown)}: choose from those of the rack")
    return plan


def missing(studio: Studio, plan: SheetPlan) -> list[GenerationRequest]:
    """The pictures of a sheet that have not been drawn with the model and the styles as they are."""
    book = DrawnBook(studio.library.root)
    return [request for request in plan.requests if book.find(_key(studio, request)) is None]


def draw_sheet(studio: Studio, wish: SheetWish) -> Generator[SheetProgress, None, SheetMade]:
    """Draw what is missing, keeping each picture as soon as it is done, then write the sheet.

    Closing it keeps all pictures so far; the same wish goes on from there.

    Raises:
        InvalidRequestError, UnknownStyleError: as `plan_of`; nothing was drawn.
        NotWrittenError: the disk refused.
    """
    plan, book = plan_of(studio, wish), DrawnBook(studio.library.root)
    due = missing(studio, plan)
    total, done = sum(request.steps for request in due), 0
    shown = _Paper(studio, wish, plan, _SHOWN_CELL)
    shown.lay(book)
    for place, request in enumerate(due, start=1):
        what = f"picture {place} of {len(due)}"
        finished = yield from retold(studio.generate(request), _counted(done, total, what))
        done += request.steps
        book.note(_key(studio, request), finished.path)
        shown.lay(book, request)
        yield SheetProgress(done, total, what, shown.picture())
    whole = _Paper(studio, wish, plan, MOST_CELL)
    cells = whole.lay(book)
    same = _sheet_key(wish, plan, cells)
    path = book.find(same)
    if path is None:
        path = _keep(studio, whole.picture(), _text(wish, cells[0, 0]))
        book.note(same, path)
    across = range(len(plan.columns))
    laid = tuple(tuple(cells[row, column] for column in across) for row in range(len(plan.rows)))
    return SheetMade(path, laid, len(due), len(plan.requests) - len(due))


def title_of(wish: SheetWish) -> str:
    """What a sheet is called: its axes, and the prompt where that is one for all."""
    axes = " x ".join(one.kind.value for one in wish.axes)
    if any(one.kind is AxisKind.PROMPT for one in wish.axes):
        return axes
    return f"{axes}: {' '.join(wish.request.prompt.split())}"


def _counted(before: int, total: int, what: str) -> Callable[[Drawing], SheetProgress]:
    """Turns the events of one picture into steps of all."""

    def tell(event: Drawing) -> SheetProgress:
        steps = event.done if isinstance(event, Step) else 0
        return SheetProgress(min(total, before + steps), total, what)

    return tell


def _key(studio: Studio, request: GenerationRequest) -> str:
    worn = [_told(name, studio.styles.get(name)) for name in request.styles]
    return recipe_key(request, [studio.base.layout_hash, studio.base.name, worn])


def _sheet_key(wish: SheetWish, plan: SheetPlan, cells: Mapping[tuple[int, int], Path]) -> str:
    """Another one whenever a cell or a label is."""
    labels = [title_of(wish), plan.rows, [(one.value, one.inner) for one in plan.columns]]
    return recipe_key(wish.request, [labels, sorted((*place, str(path)) for place, path in cells.items())])


def _told(name: str, style: Style | None) -> list[object]:
    """What tells a style from one of the same name; a derived one is what its name says of the others."""
    return [name, style.subspace, style.source_sha256, style.fidelity.told] if style else [name]


class _Paper:
    """A sheet that fills up; each picture is read once and kept as small as its cell."""

    def __init__(self, studio: Studio, wish: SheetWish, plan: SheetPlan, side: int) -> None:
        self._studio, self._wish, self._plan = studio, wish, plan
        width, height = wish.request.hires_size
        factor = min(1.0, side / max(width, height))
        size = max(8, round(width * factor)), max(8, round(height * factor))
        self._size = cell_size(size, len(plan.columns), len(plan.rows))
        self._pictures: dict[tuple[int, int], Image.Image] = {}

    def lay(self, book: DrawnBook, only: GenerationRequest | None = None) -> dict[tuple[int, int], Path]:
        """Take up what is drawn, by default all of it; returns (row, column) -> file."""
        found = {}
        for row, requests in enumerate(self._plan.cells):
            for column, request in enumerate(requests):
                if only is not None and request != only:
                    continue
                if (path := book.find(_key(self._studio, request))) is not None:
                    with Image.open(path) as picture:
                        small = picture.convert("RGB").resize(self._size, Image.Resampling.LANCZOS)
                    self._pictures[row, column] = small
                    found[row, column] = path
        return found

    def picture(self) -> Image.Image:
        """The sheet as it is by now."""
        return paper(title_of(self._wish), self._plan, self._size, self._pictures)


def _text(wish: SheetWish, first: Path) -> str:
    """The first cell's text, with the axes as A1111's script writes them."""
    with Image.open(first) as picture:
        text = str(picture.info.get("parameters", ""))
    pairs = ["Script: X/Y/Z plot"]
    for letter, axis in zip("XYZ", (wish.columns, wish.rows, wish.within), strict=True):
        if axis is not None:
            values = json.dumps(", ".join(axis.values), ensure_ascii=False)
            pairs += [f"{letter} Type: {axis.kind.value}", f"{letter} Values: {values}"]
    return ", ".join([text, *pairs])


def _keep(studio: Studio, sheet: Image.Image, text: str) -> Path:
    """Beside the pictures, by A1111's names: `txt2img-grids/YYYY-MM-DD/grid-0000.png`."""
    folder = studio.library.root / "outputs" / "txt2img-grids" / date.today().isoformat()
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        numbers = [int(path.stem[5:]) for path in folder.glob("grid-[0-9][0-9][0-9][0-9].png")]
        path = folder / f"grid-{max(numbers, default=-1) + 1:04d}.png"
        inside = PngImagePlugin.PngInfo()
        inside.add_itxt("parameters", text)
        with written_aside(path) as aside:
            sheet.save(aside, pnginfo=inside)
    return path
