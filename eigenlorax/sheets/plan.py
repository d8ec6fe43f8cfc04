"""A sheet's layout: which request stands in which place."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from eigenlorax.errors import InvalidRequestError
from eigenlorax.recipe import GenerationRequest
from eigenlorax.sheets.axes import NO_STYLE, Axis, AxisKind, applied
from eigenlorax.subspace.style import Style
from eigenlorax.trigger_words import with_trigger_words

MOST_CELLS = 1000


@dataclass(frozen=True)
class SheetWish:
    """What a sheet is to show.

    Attributes:
        request: Everything that no axis sets; one picture, without a batch or blends.
        columns: What changes from left to right.
        rows: What changes downward; None is one row.
        within: What changes within each column; None is nothing.
        add_triggers: Whether each picture's styles bring their trigger words.
    """

    request: GenerationRequest
    columns: Axis
    rows: Axis | None = None
    within: Axis | None = None
    add_triggers: bool = True

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Those that there are: columns, rows, within."""
        return tuple(one for one in (self.columns, self.rows, self.within) if one)


@dataclass(frozen=True)
class Column:
    """One column: its value, and that within it where there is one."""

    value: str
    inner: str = ""


@dataclass(frozen=True)
class SheetPlan:
    """A sheet laid out.

    Attributes:
        columns: From left to right.
        rows: The label of each; [""] where no axis goes downward.
        cells: By row, then by column; equal requests are drawn once.
    """

    columns: tuple[Column, ...]
    rows: tuple[str, ...]
    cells: tuple[tuple[GenerationRequest, ...], ...]

    @property
    def requests(self) -> tuple[GenerationRequest, ...]:
        """Each different picture once, row by row."""
        found: list[GenerationRequest] = []
        for row in self.cells:
            found += [request for request in row if request not in found]
        return tuple(found)


def planned(wish: SheetWish, styles: Mapping[str, Style]) -> SheetPlan:
    """Lay a sheet out.

    Styles are set before strengths, whatever axes they lie on. A column without a style is not repeated for
    each strength within it.

    Args:
        wish: What it is to show.
        styles: Those that can be worn, for their trigger words.

    Raises:
        InvalidRequestError: two axes change the same, there are too many pictures, or one cannot be drawn.
    """
    kinds = [one.kind for one in wish.axes]
    if len(set(kinds)) < len(kinds):
        raise InvalidRequestError("two axes change the same: choose another for one of them")
    if AxisKind.STRENGTH in kinds and AxisKind.STYLE not in kinds and not any(wish.request.styles.values()):
        raise InvalidRequestError("no style is on whose strength could change: switch one on, or add an axis")
    if wish.request.canvas is not None or wish.request.control is not None:
        raise InvalidRequestError(
            "a sheet starts from noise: take away the picture under Start from a picture, and the ControlNet"
        )
    columns, rows = _columns(wish), wish.rows.values if wish.rows else ("",)
    if len(columns) * len(rows) > MOST_CELLS:
        raise InvalidRequestError(
            f"{len(columns) * len(rows)} pictures on one sheet: choose at most {MOST_CELLS}"
        )
    cells = tuple(tuple(_cell(wish, styles, column, row) for column in columns) for row in rows)
    plan = SheetPlan(columns, rows, cells)
    for request in plan.requests:
        request.check()
    return plan


def _columns(wish: SheetWish) -> tuple[Column, ...]:
    if wish.within is None:
        return tuple(Column(value) for value in wish.columns.values)
    alike = {wish.columns.kind, wish.within.kind} == {AxisKind.STYLE, AxisKind.STRENGTH}
    found = []
    for value in wish.columns.values:
        inner = ("",) if alike and value == NO_STYLE else wish.within.values
        found += [Column(value, one) for one in inner]
    return tuple(found)


def _cell(wish: SheetWish, styles: Mapping[str, Style], column: Column, row: str) -> GenerationRequest:
    chosen = [(wish.columns.kind, column.value)]
    if wish.within and column.inner:
        chosen.append((wish.within.kind, column.inner))
    if wish.rows:
        chosen.append((wish.rows.kind, row))
    request = replace(wish.request, batch=1, blends=(), prompts=())
    for kind, value in sorted(chosen, key=lambda one: one[0] is AxisKind.STRENGTH):
        request = applied(request, kind, value)
    if wish.add_triggers:
        request = replace(request, prompt=with_trigger_words(request.prompt, request.styles, styles))
    worn = {name: strength for name, strength in request.styles.items() if strength}
    return replace(request, styles=worn, dials={n: d for n, d in request.dials.items() if n in worn})
