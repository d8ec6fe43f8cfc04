"""The jobs of an open studio."""

from collections.abc import Mapping

from eigenlorax.jobs.carding import CARD, carding
from eigenlorax.jobs.comparing import BESIDE, COMPARE, comparing
from eigenlorax.jobs.compressing import CALIBRATE, COMPRESS, calibrating, compressing
from eigenlorax.jobs.drawing import GENERATE, REDRAW, REQUEST, drawing
from eigenlorax.jobs.exporting import EXPORT, exporting
from eigenlorax.jobs.growing import GROW, REFIT, growing, refitting
from eigenlorax.jobs.importing import IMPORT, importing
from eigenlorax.jobs.job import Worker
from eigenlorax.jobs.looking import LOOK, REPORT, looking, reporting
from eigenlorax.jobs.morphing import MORPH, morphing
from eigenlorax.jobs.previews import PREVIEWS, previewing
from eigenlorax.jobs.server import JobServer
from eigenlorax.jobs.sheeting import SHEET, sheeting
from eigenlorax.jobs.teaching import TRAIN, teaching
from eigenlorax.jobs.versioning import USE, using
from eigenlorax.studio import Studio


def workers_of(studio: Studio) -> Mapping[str, Worker]:
    """Kind -> who does it with this studio."""
    return {
        TRAIN: teaching(studio),
        GENERATE: drawing(studio),
        REDRAW: drawing(studio),
        REQUEST: drawing(studio),
        COMPARE: comparing(studio),
        BESIDE: comparing(studio),
        MORPH: morphing(studio),
        SHEET: sheeting(studio),
        COMPRESS: compressing(studio),
        GROW: growing(studio),
        REFIT: refitting(studio),
        USE: using(studio),
        CALIBRATE: calibrating(studio),
        LOOK: looking(studio),
        REPORT: reporting(studio),
        PREVIEWS: previewing(studio),
        IMPORT: importing(studio),
        CARD: carding(studio),
        EXPORT: exporting(studio),
    }


def open_jobs(studio: Studio) -> JobServer:
    """The queue of a studio's data folder, at work; close it before the program ends.

    Raises:
        As `JobServer`.
    """
    base = f"{studio.base.name} ({studio.base.layout_hash[:6]})"
    return JobServer(studio.library.root, workers_of(studio), base=base)
