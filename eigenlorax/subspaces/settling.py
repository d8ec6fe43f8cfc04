"""A taught style as it is kept: lent columns go when the lesson is over, what it made of them stays.

What the subspace's own columns hold of it is its core. The rest becomes private ranks, the most error per
byte first, as few as the held-out pictures allow: the subspace, and every other style, stay as they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.fit import Goal
from eigenlorax.subspace.grow import place
from eigenlorax.subspace.migrate import as_lora
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.training.teach import Taught

ALLOWED = 0.01
"""Share of what a style gained over the bare base that keeping it may cost on held-out pictures."""

#: Shares of its weighted squared norm that are tried in turn; the last one is kept whatever it costs.
_SHARES = (0.98, 0.99, 0.995, 0.999)


def most_error(result: Taught) -> float:
    """The held-out error that a style may have as it is kept."""
    return result.after + ALLOWED * max(result.base - result.after, 0.0)


def settled(
    learnt: Style,
    wide: Subspace,
    home: Subspace,
    importance: Mapping[ModulePath, float],
    error: Callable[[Style], float],
    most: float,
) -> tuple[Style, float]:
    """The style in the subspace that it stays in, and its held-out error there.

    Where nothing was lent its cores are kept as they were learnt.

    Args:
        learnt: Of `wide`.
        wide: The columns that it learnt in: those of `home` and, behind them, lent ones.
        home: The subspace of the styles.
        importance: Module -> factor on its squared error.
        error: Measures a style of `home` on held-out pictures.
        most: The error from which on fewer bytes are not worth it.
    """
    if wide.hash == home.hash:
        return learnt, error(learnt)
    exact = as_lora(learnt, wide)
    for share in _SHARES:
        placed = place(exact, home, Goal(retain=share), importance, 0, learnt.trigger_words)
        found = replace(learnt, cores=placed.cores, residuals=placed.residuals, subspace=home.hash)
        if (measured := error(found)) <= most:
            break
    return found, measured
