"""Two subspaces of one layout as one: bases for the styles of both, and every style in them."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace

from eigenlorax.errors import InvalidRequestError, WrongBaseError
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.fingerprint import Kinship, compare
from eigenlorax.subspace.fit import FitProgress, Goal, fit
from eigenlorax.subspace.migrate import Migrated, as_lora, settled_in
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace


@dataclass(frozen=True)
class Part:
    """A subspace with its styles by name."""

    subspace: Subspace
    styles: Mapping[str, Style]


@dataclass(frozen=True)
class Merged:
    """One subspace out of two.

    Attributes:
        subspace: With the sources of both.
        moved: Every style of both, by name, with the error of its move.
        notice: What to know about the two bases; empty when they are the same.
    """

    subspace: Subspace
    moved: Mapping[str, Migrated]
    notice: str

    @property
    def styles(self) -> dict[str, Style]:
        """The styles by name."""
        return {name: one.style for name, one in self.moved.items()}


def merge(
    one: Part, other: Part, goal: Goal, importance: Mapping[ModulePath, float]
) -> Generator[FitProgress, None, Merged]:
    """Fit joint bases to the styles of two subspaces and bring them all in; no LoRA is needed.

    The styles are fitted as the updates they are, U M V^T + R, each weighted by the inverse of its norm. So
    each old column counts by the energy that the styles have on it, U sum_t(M_t M_t^T) U^T on the out side,
    and what was private to several styles may become shared.

    Args:
        one: The first.
        other: The second, for the same base.
        goal: Of what the styles are now.
        importance: Module of either -> factor on its squared error.

    Raises:
        InvalidRequestError: both have a style of one name, or there is no style.
        WrongBaseError: they were made for bases of another layout, or that are foreign to each other.
    """
    notice = may_merge(one, other)
    homes = {name: part.subspace for part in (one, other) for name in part.styles}
    styles = {**one.styles, **other.styles}
    loras = [as_lora(style, homes[name]) for name, style in styles.items()]
    sizes = {name: style.fidelity.original_bytes for name, style in styles.items()}
    result = yield from fit(loras, sizes, one.subspace.layout, goal, importance)
    made = result.styles({name: style.trigger_words for name, style in styles.items()})
    moved = {name: settled_in(style, styles[name], style.fidelity) for name, style in made.items()}
    kept = [each.style.fidelity.energy_kept for each in moved.values()]
    excluded = {**one.subspace.excluded, **other.subspace.excluded}
    subspace = replace(result.subspace, retain=sum(kept) / len(kept), excluded=excluded)
    return Merged(subspace, moved, notice)


def may_merge(one: Part, other: Part) -> str:
    """What to know before merging; empty when there is nothing.

    Raises:
        InvalidRequestError: both have a style of one name.
        WrongBaseError: they were made for bases of another layout, or that are foreign to each other.
    """
    if one.subspace.layout != other.subspace.layout:
        raise WrongBaseError(
            "the two subspaces were made for bases of another layout: merge subspaces of one base only"
        )
    if clashes := sorted(one.styles.keys() & other.styles.keys()):
        raise InvalidRequestError(
            f"both subspaces have a style named {', '.join(clashes)}: remove or rename one of each first"
        )
    if one.subspace.base is None or other.subspace.base is None:
        return "One of the subspaces does not say which base it was made for: compare its pictures."
    found = compare(one.subspace.base, other.subspace.base)
    if found.kinship is Kinship.FOREIGN:
        raise WrongBaseError(
            f"the styles to merge were made for {other.subspace.base.name}, which is foreign to "
            f"{one.subspace.base.name} (norms differ by {found.difference:.1%}): merge only what one base has"
        )
    return found.notice(other.subspace.base.name)
