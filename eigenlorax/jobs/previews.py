"""Covers of styles as a job."""

from eigenlorax.cases.previews import PreviewProgress, PreviewWish, render_previews
from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import retold
from eigenlorax.jobs.asked import from_json
from eigenlorax.jobs.job import Facts, Told, Work, Worker
from eigenlorax.studio import Studio

PREVIEWS = "previews"


def previewing(studio: Studio) -> Worker:
    """Draws every style that has no picture; what was drawn before a stop stays, and is not drawn again.

    The result: names of styles by what became of them, `drawn` and `left`.
    """

    def run(facts: Facts) -> Work:
        found = yield from retold(render_previews(studio, _wish(facts)), _told)
        return dict(found)

    return Worker(run, _wish, resumable=True)


def _wish(facts: Facts) -> PreviewWish:
    wish = from_json(PreviewWish, facts)
    if not wish.prompt.strip():
        raise InvalidRequestError("there is nothing to draw: write a prompt for the previews")
    return wish


def _told(event: PreviewProgress) -> Told:
    pictures = () if event.cover is None else ((event.what, event.cover),)
    return Told(event.done, event.total, "drawing previews", pictures=pictures)
