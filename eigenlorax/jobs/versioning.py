"""Going back to another version of the subspace as a job: it waits for work that makes a new one."""

from dataclasses import dataclass

from eigenlorax.jobs.asked import from_json
from eigenlorax.jobs.job import Facts, Told, Work, Worker
from eigenlorax.studio import Studio

USE = "use"


@dataclass(frozen=True)
class UseAsked:
    """Which version, by its name."""

    version: str


def using(studio: Studio) -> Worker:
    """Opens a version that is kept; the one that was open stays.

    The result: its name as `version`, when it was `saved` in seconds since 1970, how many `styles` it has.
    """

    def run(facts: Facts) -> Work:
        yield Told(0, 1, "opening the version")
        chosen = studio.growth.use(from_json(UseAsked, facts).version)
        return {"version": chosen.name, "saved": chosen.saved.timestamp(), "styles": len(chosen.styles)}

    return Worker(run, lambda facts: from_json(UseAsked, facts))
