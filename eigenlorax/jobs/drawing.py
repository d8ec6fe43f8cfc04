"""Pictures as a job."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from eigenlorax.easel import Drawing
from eigenlorax.errors import refuse_outside
from eigenlorax.events import retold
from eigenlorax.jobs.asked import as_json, from_json
from eigenlorax.jobs.drops import keep_picture
from eigenlorax.jobs.job import Facts, Told, Work, Worker
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.ladder import SteppedDown
from eigenlorax.runtime.paint import Preview
from eigenlorax.studio import Studio

GENERATE = "generate"
_WHAT = "drawing"


@dataclass(frozen=True)
class DrawAsked:
    """What to draw.

    Attributes:
        request: Its pictures stand in JSON as paths.
        previews: A small preview follows every so many steps; 0 is without.
    """

    request: GenerationRequest
    previews: int = 0


def draw_asked(root: Path, asked: DrawAsked) -> Facts:
    """The same as JSON; pictures to start from are stored in the data folder.

    Raises:
        NotWrittenError: the disk refused.
    """
    facts: Facts = as_json(asked, partial(keep_picture, root))
    return facts


def drawing(studio: Studio) -> Worker:
    """Draws and saves; previews are pictures "preview 1" and so on.

    The result: `pictures` with `path`, `parameters` and `seed` each, `switch_ms`, `mode` and `placement`.
    """

    def run(facts: Facts) -> Work:
        asked = _read(facts)
        finished = yield from retold(studio.generate(asked.request, asked.previews), _told)
        pictures = [
            {
                "path": str(one.path),
                "parameters": one.parameters,
                "seed": asked.request.of_picture(place).seed,
            }
            for place, one in enumerate(finished.pictures)
        ]
        return {
            "pictures": pictures,
            "switch_ms": finished.switch_ms,
            "mode": finished.mode.value,
            "placement": finished.plan.placement.value,
        }

    return Worker(run, _read)


def _read(facts: Facts) -> DrawAsked:
    asked = from_json(DrawAsked, facts)
    asked.request.check()
    refuse_outside({"previews": (asked.previews, 0, 1000)})
    return asked


def _told(event: Drawing) -> Told:
    if isinstance(event, SteppedDown):
        return Told(0, 0, event.sentence)
    images = event.images if isinstance(event, Preview) else ()
    pictures = tuple((f"preview {number}", image) for number, image in enumerate(images, start=1))
    return Told(event.done, event.total, _WHAT, pictures=pictures)
