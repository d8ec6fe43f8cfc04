"""Pictures as a job: asked for by hand, or by a slider that was let go."""

from collections.abc import Generator
from dataclasses import dataclass, replace
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
from eigenlorax.studio import Finished, Studio
from eigenlorax.studio import Work as StudioWork

GENERATE = "generate"
REDRAW = "redraw"
REQUEST = "request"
"""A drawing that another program waits for; the page shows it in the queue alone."""
_WHAT = "drawing"
_MOST_STEPS_BETWEEN = 1000
_GLIMPSE_STEPS = 6


@dataclass(frozen=True)
class DrawAsked:
    """What to draw.

    Attributes:
        request: Its pictures stand in JSON as paths.
        previews: A small preview follows every so many steps; 0 is without.
        page: Who asks, where a newer request takes the place of an older one; see `JobServer.replace`.
        glimpse: Whether a glimpse of it will do; see `glimpse_of`.
    """

    request: GenerationRequest
    previews: int = 0
    page: str = ""
    glimpse: bool = False


def with_pictures_kept(root: Path, asked: object) -> Facts:
    """What is asked for as JSON; pictures to start from are stored in the data folder.

    Args:
        root: The data folder.
        asked: A dataclass that a worker reads.

    Raises:
        NotWrittenError: the disk refused.
    """
    facts: Facts = as_json(asked, partial(keep_picture, root))
    return facts


def drawing(studio: Studio) -> Worker:
    """Draws and saves; previews are pictures "preview 1" and so on.

    The result: as `drawing_facts`; of a glimpse, which is kept nowhere, no pictures.
    """

    def run(facts: Facts) -> Work:
        asked = _read(facts)
        if asked.glimpse:
            return (yield from _glimpsed(studio, glimpse_of(asked.request)))
        return (yield from drawn(studio.generate(asked.request, asked.previews), asked.request))

    return Worker(run, _read)


def glimpse_of(request: GenerationRequest) -> GenerationRequest:
    """Where a request leads, for a slider that still moves: one picture, half its size, in six steps at most.

    Both sides are multiples of 8 pixels, at least 64.
    """
    width, height = (max(64, round(side / 16) * 8) for side in (request.width, request.height))
    steps = min(request.steps, _GLIMPSE_STEPS)
    return replace(request.of_picture(0), width=width, height=height, steps=steps, hires=None)


def _glimpsed(studio: Studio, request: GenerationRequest) -> Work:
    """Draw, show the last preview, save nothing."""
    studio.blending.make(request.styles)
    yield from retold(studio.easel.styled(request, request.steps), partial(drawing_told, what=_WHAT))
    return {"pictures": []}


def drawn(work: StudioWork, request: GenerationRequest, what: str = _WHAT) -> Generator[Told, None, Facts]:
    """Pictures as a job tells of them.

    Args:
        work: Draws and saves.
        request: What it draws.
        what: What is drawn, in words for the user.

    Returns:
        As `drawing_facts`.
    """
    finished, steps = yield from counted(work, what)
    return drawing_facts(finished, steps, request)


def counted(work: StudioWork, what: str = _WHAT) -> Generator[Told, None, tuple[Finished, int]]:
    """The same work as a job tells of it; returns also how many steps it took."""
    steps = 0

    def tell(event: Drawing) -> Told:
        nonlocal steps
        told = drawing_told(event, what)
        steps = max(steps, told.total)
        return told

    return (yield from retold(work, tell)), steps


def drawing_facts(finished: Finished, steps: int, request: GenerationRequest) -> Facts:
    """What came of it.

    Returns:
        `pictures` with `path`, `parameters` and the `seed` that tells each from the others, the `steps` that
        were drawn, `switch_ms`, `mode`, and `placement` with its sentence as `placed`.
    """
    varied = bool(request.variation_strength)
    alone = [request.of_picture(place) for place in range(len(finished.pictures))]
    pictures = [
        {
            "path": str(one.path),
            "parameters": one.parameters,
            "seed": own.variation_seed if varied else own.seed,
        }
        for one, own in zip(finished.pictures, alone, strict=True)
    ]
    return {
        "pictures": pictures,
        "steps": steps,
        "switch_ms": finished.switch_ms,
        "mode": finished.mode.value,
        "placement": finished.plan.placement.value,
        "placed": finished.plan.sentence,
    }


def drawing_told(event: Drawing, what: str) -> Told:
    """An event as everybody sees it."""
    if isinstance(event, SteppedDown):
        return Told(0, 0, event.sentence)
    images = event.images if isinstance(event, Preview) else ()
    pictures = tuple((f"preview {number}", image) for number, image in enumerate(images, start=1))
    return Told(event.done, event.total, what, pictures=pictures)


def check_previews(every: int) -> None:
    """Refuse a number of steps between previews that cannot be meant."""
    refuse_outside({"previews": (every, 0, _MOST_STEPS_BETWEEN)})


def _read(facts: Facts) -> DrawAsked:
    asked = from_json(DrawAsked, facts)
    asked.request.check()
    check_previews(asked.previews)
    return asked
