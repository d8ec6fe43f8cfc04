"""Styles that cannot be fitted from a LoRA, taught ones among them, come along into a new subspace."""

from collections.abc import Mapping

from eigenlorax.subspace.fit import Goal
from eigenlorax.subspace.merge import Part
from eigenlorax.subspace.migrate import Migrated, migrate, room_for_all
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.subspaces.bench import Bench

#: A style without a LoRA to return to loses a little at each move, so it is kept nearer than the others.
KEPT_OF_MOVED = 0.99


def carried(
    bench: Bench, now: Part, subspace: Subspace, rest: Mapping[str, Style]
) -> tuple[Subspace, dict[str, Migrated]]:
    """The new subspace with room for these styles, and they in it.

    Args:
        bench: The open studio.
        now: The open version, which the styles belong to.
        subspace: The new one; only modules that it lacks are added, behind its own.
        rest: The styles that come along.
    """
    if not rest:
        return subspace, {}
    wide = room_for_all(subspace, rest, now.subspace, bench.engine.base.layout)
    importance, goal = bench.engine.facts.importance(wide.bases), Goal(retain=KEPT_OF_MOVED)
    moved = {
        name: migrate(style, now.subspace, wide, goal, importance, bench.original(style))
        for name, style in rest.items()
    }
    return wide, moved


def homeless(bench: Bench, styles: Mapping[str, Style]) -> dict[str, Style]:
    """Those of the styles whose very LoRA the library does not have."""
    return {name: style for name, style in styles.items() if bench.original(style) is None}
