"""A style card as a job: samples are drawn, and the picture that carries the style is written."""

from dataclasses import dataclass

from eigenlorax.errors import UnknownStyleError
from eigenlorax.events import retold
from eigenlorax.export.cards import CardExport
from eigenlorax.jobs.asked import from_json
from eigenlorax.jobs.drawing import drawing_told
from eigenlorax.jobs.job import Facts, Work, Worker
from eigenlorax.library.card_content import CardKind
from eigenlorax.library.exports import free_path
from eigenlorax.studio import Studio

CARD = "card"


@dataclass(frozen=True)
class CardAsked:
    """Which style, and whether its card is for everyone with the same base model."""

    name: str
    kind: CardKind = CardKind.WHOLE


def carding(studio: Studio) -> Worker:
    """Writes a card among the exports.

    The result: the style's `name`, the card's `path`, the bytes that it carries as `carried_bytes`, its
    `file_bytes`, and the `size` of its picture.
    """

    def run(facts: Facts) -> Work:
        asked = _read(facts)
        path = free_path(studio.library.root, asked.name, ".png")
        work = studio.cards.write(CardExport(asked.name, path, asked.kind))
        made = yield from retold(work, lambda event: drawing_told(event, "drawing samples"))
        return {
            "name": asked.name,
            "path": str(made.path),
            "carried_bytes": made.carried_bytes,
            "file_bytes": made.file_bytes,
            "size": list(made.picture.size),
        }

    def _read(facts: Facts) -> CardAsked:
        asked = from_json(CardAsked, facts)
        if asked.name not in studio.styles:
            raise UnknownStyleError(f"there is no style named {asked.name}: choose one of the rack's")
        return asked

    return Worker(run, _read)
