"""Fitting a subspace as a job, and calibrating its styles as another."""

from dataclasses import dataclass, field

from eigenlorax.events import retold
from eigenlorax.formats.facts import relation_lines
from eigenlorax.jobs.asked import as_json, from_json
from eigenlorax.jobs.job import Facts, Told, Work, Worker
from eigenlorax.studio import Studio
from eigenlorax.subspace.fit import FitProgress
from eigenlorax.subspaces.desk import Making
from eigenlorax.subspaces.wish import Wish
from eigenlorax.training.calibrate import CalibrationProgress, CalibrationSettings

COMPRESS = "compress"
CALIBRATE = "calibrate"


@dataclass(frozen=True)
class CompressAsked:
    """Which LoRAs, by default every usable one, and how near and how small.

    Attributes:
        foretold: Bytes that were told beforehand, to be shown beside the true ones; 0 when none were.
        foretold_quality: The mean share of each LoRA's effect that was told with them.
    """

    names: tuple[str, ...] = ()
    wish: Wish = field(default_factory=Wish)
    foretold: int = 0
    foretold_quality: float = 0.0


@dataclass(frozen=True)
class CalibrateAsked:
    """Which styles, by default all, and how long and how fast."""

    names: tuple[str, ...] = ()
    settings: CalibrationSettings = field(default_factory=CalibrationSettings)


def compressing(studio: Studio) -> Worker:
    """Fits one subspace to LoRAs of the library.

    The result: `original_bytes`, `stored_bytes`, `styles` with the figures of each, `excluded` and `carried`
    with reasons and names, `relations` in words, `sharing` as [modules that share, modules].
    """

    def run(facts: Facts) -> Work:
        asked = from_json(CompressAsked, facts)
        made = yield from retold(studio.subspaces.compress(asked.names or None, asked.wish), _fit_told)
        found: Facts = as_json(
            {
                "original_bytes": made.original_bytes,
                "stored_bytes": made.stored_bytes,
                "styles": {name: style.fidelity.told for name, style in made.styles.items()},
                "excluded": made.excluded,
                "carried": made.carried,
                "relations": relation_lines(made.relations),
                "sharing": made.sharing,
            }
        )
        return found

    return Worker(run, lambda facts: from_json(CompressAsked, facts))


def calibrating(studio: Studio) -> Worker:
    """Lets styles learn to predict what their LoRAs predict; the curve is "distance".

    The result: `distances`, style -> [before, after], and `skipped`, style -> why.
    """

    def run(facts: Facts) -> Work:
        asked = _calibration(facts)
        work = studio.growth.calibrate(asked.names or None, asked.settings)
        made = yield from retold(work, _calibration_told)
        found: Facts = as_json({"distances": made.distances, "skipped": made.skipped})
        return found

    return Worker(run, _calibration, resumable=True)


def _calibration(facts: Facts) -> CalibrateAsked:
    asked = from_json(CalibrateAsked, facts)
    asked.settings.check_ranges()
    return asked


def _fit_told(event: Making) -> Told:
    what = "fitting" if isinstance(event, FitProgress) else f"measuring: {event.what}"
    return Told(event.done, event.total, what)


def _calibration_told(event: CalibrationProgress) -> Told:
    points = {} if event.loss is None else {"distance": (float(event.done), event.loss)}
    return Told(event.done, event.total, event.what, points)
