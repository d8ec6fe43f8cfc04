"""When the card's memory runs out while a picture is drawn: a leaner plan, and again, step by step."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch

from eigenlorax.errors import CardFullError
from eigenlorax.runtime.hardware import release_cache
from eigenlorax.runtime.placement import Placed
from eigenlorax.runtime.plan import GIB, Plan, below

Event = TypeVar("Event")
Result = TypeVar("Result")


@dataclass(frozen=True)
class SteppedDown:
    """The card was full; the picture begins again with a leaner plan.

    Attributes:
        plan: What is in effect now.
        sentence: For the user.
    """

    plan: Plan
    sentence: str


def drawn(
    placed: Placed,
    plan: Plan,
    rungs: Sequence[Plan],
    draw: Callable[[Plan], Generator[Event, None, Result]],
) -> Generator[Event | SteppedDown, None, Result]:
    """Draw with a plan, and with leaner ones for as long as the card's memory runs out.

    Args:
        placed: The pipeline's placement; it keeps the plan that worked.
        plan: To begin with.
        rungs: Plans from the fastest to the leanest, as `plan.ladder` gives them.
        draw: Makes a fresh run; the same seed gives the same picture. Called again after each step down.

    Yields:
        The run's own events, and `SteppedDown` before each new run.

    Raises:
        CardFullError: the leanest plan did not fit either.
    """
    while True:
        try:
            placed.take(plan)
            return (yield from draw(plan))
        except torch.OutOfMemoryError as error:
            # The error's frames hold the run's tensors; they must be gone before the next run.
            reason = str(error).strip().splitlines()[0] if str(error).strip() else "out of memory"
        finally:
            placed.rest()
        release_cache(placed.device)
        leaner = below(rungs, plan)
        if leaner is None:
            placed.release()
            raise CardFullError(_no_way(plan, reason))
        plan = leaner
        yield SteppedDown(plan, f"The card's memory ran out; trying again: {plan.sentence}")


def _no_way(plan: Plan, reason: str) -> str:
    free = f" of {plan.budget / GIB:.1f} GB" if plan.budget else ""
    return (
        f"the card's memory{free} does not suffice, not even with {plan.placement.value} and tiles "
        f"({reason}): choose a smaller size, fewer pictures or fewer styles, close other programs on the "
        "card, or start with --cpu"
    )
