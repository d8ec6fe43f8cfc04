"""What a collection shares, and how near its styles are in pictures, as jobs that leave a file."""

from dataclasses import dataclass, field

from eigenlorax.cases.census import census_of
from eigenlorax.cases.pictures import Looking, LookingProgress, compare_pictures
from eigenlorax.events import retold
from eigenlorax.jobs.asked import from_json
from eigenlorax.jobs.job import Facts, Told, Work, Worker
from eigenlorax.library.atomic import told, written_aside
from eigenlorax.library.exports import free_path
from eigenlorax.studio import Studio
from eigenlorax.subspace.census import CensusProgress

LOOK = "look"
REPORT = "report"
_QUALITY = 92


@dataclass(frozen=True)
class LookAsked:
    """Which styles, by default all, and at which prompts and seeds."""

    names: tuple[str, ...] = ()
    looking: Looking = field(default_factory=Looking)


@dataclass(frozen=True)
class ReportAsked:
    """Which LoRAs, by default every usable one, and what is drawn of them, by default nothing."""

    names: tuple[str, ...] = ()
    looking: Looking | None = None


def looking(studio: Studio) -> Worker:
    """Draws styles beside their LoRAs and keeps how far they are apart.

    The result: the `sheet`'s file, how many `styles` it shows, and those whose LoRA is gone as `missing`.
    """

    def run(facts: Facts) -> Work:
        asked = _looked_at(facts)
        compared = yield from retold(compare_pictures(studio, asked.names or None, asked.looking), _told)
        path = free_path(studio.library.root, "styles-beside-their-loras", ".webp")
        with told(path), written_aside(path) as aside:
            compared.sheet.save(aside, format="WEBP", quality=_QUALITY)
        return {"sheet": str(path), "styles": len(compared.figures), "missing": list(compared.missing)}

    return Worker(run, _looked_at)


def reporting(studio: Studio) -> Worker:
    """Measures what LoRAs share, as a page that needs nothing beside itself.

    The result: the page's `path`, and what it says in a few lines of `words`.
    """

    def run(facts: Facts) -> Work:
        asked = _reported(facts)
        taken = yield from retold(census_of(studio, asked.names or None, asked.looking), _told)
        path = free_path(studio.library.root, "collection-report", ".html")
        taken.write(path)
        return {"path": str(path), "words": taken.words}

    return Worker(run, _reported)


def _looked_at(facts: Facts) -> LookAsked:
    asked = from_json(LookAsked, facts)
    asked.looking.check()
    return asked


def _reported(facts: Facts) -> ReportAsked:
    asked = from_json(ReportAsked, facts)
    if asked.looking is not None:
        asked.looking.check()
    return asked


def _told(event: CensusProgress | LookingProgress) -> Told:
    # One word for each part: how long the rest takes is known only of steps of one part.
    drawing = isinstance(event, LookingProgress)
    return Told(event.done, event.total, "drawing" if drawing else "measuring")
