"""What a user wants of a compression."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from eigenlorax.library.budget import numbers_within
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.fit import Goal
from eigenlorax.subspace.numbers import Numbers

DEFAULT_RETAIN = 0.995
DEFAULT_NUMBERS = Numbers.INT8


class Outliers(StrEnum):
    """What becomes of a LoRA that shares nothing with a collection that shares."""

    IN = "in"
    APART = "apart"


@dataclass(frozen=True)
class Wish:
    """How near and how small, of what.

    Attributes:
        retain: Mean share of squared norm to keep, in (0, 1], each module by its effect; of no account with a
            budget.
        budget: Most bytes on disk for the subspace and all styles, headers included.
        exclude: Words or phrases; a LoRA whose name, trigger words or tags hold one of them whole is left
            out, and the subspace records it.
        numbers: What is stored.
        outliers: Whether outliers are looked for first, which takes a census of the collection, and kept out
            of the basis.
    """

    retain: float = DEFAULT_RETAIN
    budget: int | None = None
    exclude: tuple[str, ...] = ()
    numbers: Numbers = DEFAULT_NUMBERS
    outliers: Outliers = Outliers.IN

    def goal(self, modules: Collection[ModulePath], styles: int) -> Goal:
        """The goal of the fit of so many styles.

        Raises:
            InvalidRequestError: `retain` is out of range, or the budget does not even hold the headers.
        """
        if self.budget is None:
            goal = Goal(retain=self.retain, numbers=self.numbers)
        else:
            goal = Goal(number_bytes=numbers_within(self.budget, modules, styles), numbers=self.numbers)
        goal.check()
        return goal
