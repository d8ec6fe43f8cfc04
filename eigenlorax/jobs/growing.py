"""LoRAs that join the subspace as a job, and bases that are fitted anew as another."""

from dataclasses import dataclass
from typing import Any

from eigenlorax.errors import InvalidRequestError, refuse_outside
from eigenlorax.events import retold
from eigenlorax.jobs.asked import as_json, from_json
from eigenlorax.jobs.job import Facts, Told, Work, Worker
from eigenlorax.studio import Studio
from eigenlorax.subspaces.wish import DEFAULT_RETAIN

GROW = "grow"
REFIT = "refit"


@dataclass(frozen=True)
class GrowAsked:
    """Which LoRAs join, and the mean share of each one's effect to keep, in (0, 1]."""

    names: tuple[str, ...]
    retain: float = DEFAULT_RETAIN


@dataclass(frozen=True)
class RefitAsked:
    """The mean share of each LoRA's effect to keep, in (0, 1]."""

    retain: float = DEFAULT_RETAIN


def growing(studio: Studio) -> Worker:
    """Brings LoRAs into the subspace as it is, one after another; those that joined before a stop stay.

    The result: `decisions` and `advice` in words, and `stored_bytes`.
    """

    def run(facts: Facts) -> Work:
        asked, decisions, advice = _growth(facts), list[str](), ""
        for done, name in enumerate(asked.names):
            yield Told(done, len(asked.names), f"fitting {name} in")
            added = studio.growth.add(name, asked.retain)
            decisions.append(added.decision.words)
            advice = added.advice.words
        return {"decisions": decisions, "advice": advice, "stored_bytes": studio.stored_bytes}

    return Worker(run, _growth)


def refitting(studio: Studio) -> Worker:
    """Fits the bases anew to the LoRAs of all styles.

    The result: `words`, and a sentence for each style that has no LoRA, as `moved`.
    """

    def run(facts: Facts) -> Work:
        asked = from_json(RefitAsked, facts)
        work = studio.growth.refit(asked.retain)
        made = yield from retold(work, lambda event: Told(event.done, event.total, "fitting the bases anew"))
        found: dict[str, Any] = as_json(
            {"words": made.words, "moved": [one.words for one in made.moved.values()]}
        )
        return found

    def check(facts: Facts) -> None:
        _check_share(from_json(RefitAsked, facts).retain)

    return Worker(run, check)


def _growth(facts: Facts) -> GrowAsked:
    asked = from_json(GrowAsked, facts)
    if not asked.names:
        raise InvalidRequestError("choose the LoRAs to add first")
    _check_share(asked.retain)
    return asked


def _check_share(retain: float) -> None:
    refuse_outside({"retain": (retain, 0.0, 1.0)})
