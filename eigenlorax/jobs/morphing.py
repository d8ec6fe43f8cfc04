"""The way between blends as a job."""

from dataclasses import dataclass, replace

from eigenlorax.jobs.asked import from_json
from eigenlorax.jobs.drawing import check_previews, counted, drawing_facts
from eigenlorax.jobs.job import Facts, Work, Worker
from eigenlorax.library.animation import keep_animation
from eigenlorax.recipe import GenerationRequest, StyleBlend, blend_path
from eigenlorax.studio import Studio

MORPH = "morph"


@dataclass(frozen=True)
class MorphAsked:
    """What to draw on the way.

    Attributes:
        request: Its own styles do not count.
        stops: The blends that the way goes through, at least two.
        pictures: How many, both ends included.
        previews: A small preview follows every so many steps; 0 is without.
    """

    request: GenerationRequest
    stops: tuple[StyleBlend, ...]
    pictures: int
    previews: int = 0


def morphing(studio: Studio) -> Worker:
    """Draws and saves the strip and the moving picture.

    The result: as `drawing_facts`, and the file of the `animation`.
    """

    def run(facts: Facts) -> Work:
        asked = _read(facts)
        work = studio.morph(asked.request, asked.stops, asked.pictures, asked.previews)
        finished, steps = yield from counted(work)
        animation = keep_animation([one.image for one in finished.pictures], finished.path)
        path = blend_path(asked.stops, asked.pictures)
        told = drawing_facts(finished, steps, replace(asked.request, blends=path))
        return {**told, "animation": str(animation)}

    return Worker(run, _read)


def _read(facts: Facts) -> MorphAsked:
    asked = from_json(MorphAsked, facts)
    asked.request.check()
    check_previews(asked.previews)
    blend_path(asked.stops, asked.pictures)  # refuses too few of either
    return asked
