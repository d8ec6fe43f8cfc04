"""A style that comes from elsewhere, with its own bases, into the open subspace."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import torch

from eigenlorax.errors import InvalidFileError, SubspaceMismatchError, WrongBaseError
from eigenlorax.library.style_file import style_parts
from eigenlorax.subspace.augment import padded
from eigenlorax.subspace.fingerprint import Kinship, compare
from eigenlorax.subspace.fit import Goal
from eigenlorax.subspace.grow import room_for
from eigenlorax.subspace.join import join
from eigenlorax.subspace.merge import Part
from eigenlorax.subspace.migrate import StyleUpdates, as_lora, compared, migrate, settled_in
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.subspaces.bench import Bench

DEFAULT_KEEP = 0.999
"""Share of a style's weighted squared norm that it keeps in another subspace."""


class Into(StrEnum):
    """How a style comes into a subspace whose columns are not its own."""

    COLUMNS = "columns"
    PRIVATE = "private"


@dataclass(frozen=True)
class Taken:
    """What became of a style that came from elsewhere.

    Attributes:
        name: Its name here.
        words: How it came in, in one sentence.
        is_new: False when it was here already.
        error: ||here - there|| / ||there||, relative Frobenius error; 0 where it kept its own columns.
    """

    name: str
    words: str
    is_new: bool = True
    error: float = 0.0


def take_style(
    bench: Bench,
    home: Subspace,
    style: Style,
    into: Into = Into.COLUMNS,
    keep: float = DEFAULT_KEEP,
    came_by: str = "",
) -> Taken:
    """Bring a style into the open subspace; where that has the style's columns first, no number changes.

    The other styles keep their coefficients. Without an open subspace its own becomes the open one. The
    caller holds the lock.

    Args:
        bench: The open studio.
        home: The subspace that the style is in.
        style: As it came; a name that is taken gets a number.
        into: By the fewest bytes, new shared columns allowed, or with private ranks alone; only where the
            columns are not its own.
        keep: Share of its weighted squared norm to keep there, in (0, 1].
        came_by: Kept in its notes there, so that the same style is known again.

    Raises:
        WrongBaseError: it was made for another base.
        InvalidFileError: its matrices do not fit the base.
        NotWrittenError: the disk refused; the open version stays.
    """
    notice = _check_base(bench, home, style.name)
    if bench.current.subspace is None:
        bench.swap(home, {style.name: style})
        return Taken(style.name, _said(f"{style.name} is in the rack, with its own columns", notice))
    now = bench.open_now()
    exact = _exact(style, home, now.subspace)
    for name, other in now.styles.items():
        known = bool(came_by) and other.notes.get("came by") == came_by
        if known or (exact is not None and _equal(other, exact, now.subspace)):
            return Taken(name, f"{name} is in the rack already", is_new=False)
    name = _free(style.name, now.styles)
    if exact is not None:
        bench.swap(now.subspace, {**now.styles, name: replace(exact, name=name)})
        return Taken(name, _said(f"{name} is in the rack, number for number as it was", notice))
    notes = {**style.notes, **({"came by": came_by} if came_by else {})}
    made, error = _fitted(bench, home, replace(style, name=name, notes=notes), now, into, keep)
    bench.swap(made.subspace, made.styles)
    ranks = sum(residual.rank for residual in made.styles[name].residuals.kept.values())
    grown = _columns(made.subspace) - _columns(now.subspace)
    brought = f"{grown} new columns and {ranks} private ranks"
    told = f"{name} is in the rack, {error:.2%} from what it was; it brought {brought}"
    return Taken(name, _said(told, notice), error=error)


def _fitted(
    bench: Bench, home: Subspace, style: Style, now: Part, into: Into, keep: float
) -> tuple[Part, float]:
    """The open subspace with the style in it, and the relative error of the move."""
    goal = Goal(retain=keep)
    goal.check()
    lora = as_lora(style, home)
    room = room_for(now.subspace, lora, bench.engine.base.layout)
    importance = bench.engine.facts.importance(room.bases)
    here = {name: padded(other, now.subspace, room) for name, other in now.styles.items()}
    if into is Into.PRIVATE:
        moved = migrate(style, home, room, goal, importance)
        return Part(room, {**here, style.name: moved.style}), moved.moved_error
    size, words = style.fidelity.original_bytes, style.trigger_words
    joined = join(lora, room, here, keep, importance, size, words)
    new = joined.styles[style.name]
    moved = settled_in(new, style, compared(StyleUpdates(new, joined.subspace), lora.layers, size))
    return Part(joined.subspace, {**joined.styles, style.name: moved.style}), moved.moved_error


def _check_base(bench: Bench, home: Subspace, name: str) -> str:
    """What to know of the base that a style was made for; empty when there is nothing."""
    base = bench.engine.base
    made_for = home.base.name if home.base else "another base model"
    if home.layout != bench.layout:
        raise WrongBaseError(
            f"{name} was made for {made_for}, not for {base.name}: start with --model and that one"
        )
    for path, basis in home.bases.items():
        shape = base.layout[path].matrix if path in base.layout else (0, 0)
        sides = (basis.stored_out.shape, basis.stored_into.shape)
        if (sides[0][0], sides[1][0]) != shape or any(columns > rows for rows, columns in sides):
            raise InvalidFileError(f"{name} does not fit {path} of {base.name}: do not trust it")
    if home.base is None:
        return ""
    found = compare(home.base, bench.engine.facts.fingerprint(home.bases))
    if found.kinship is Kinship.FOREIGN:
        raise WrongBaseError(found.notice(home.base.name))
    return found.notice(home.base.name)


def _exact(style: Style, home: Subspace, now: Subspace) -> Style | None:
    """The style in a subspace that has its columns first; None where that has others."""
    try:
        return padded(style, home, now)
    except SubspaceMismatchError:
        return None


def _equal(one: Style, other: Style, subspace: Subspace) -> bool:
    mine, theirs = style_parts(one, subspace)[0], style_parts(other, subspace)[0]
    return mine.keys() == theirs.keys() and all(torch.equal(mine[part], theirs[part]) for part in mine)


def _free(name: str, taken: Mapping[str, Style]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def _columns(subspace: Subspace) -> int:
    return sum(sum(basis.core_shape) for basis in subspace.bases.values())


def _said(words: str, notice: str) -> str:
    return f"{words}. {notice}" if notice else words
