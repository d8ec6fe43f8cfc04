"""The use case of a census: a studio's LoRAs in, the figures and the page out; nothing is changed."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eigenlorax.errors import InvalidRequestError
from eigenlorax.formats.relations import Relations, relate, sketch
from eigenlorax.library.atomic import told, written_aside
from eigenlorax.report.census_page import as_json, page
from eigenlorax.report.census_words import summary
from eigenlorax.studio import Studio
from eigenlorax.subspace.census import Census, CensusProgress, take_census


@dataclass(frozen=True)
class CensusTaken:
    """What a collection shares, and how its LoRAs relate."""

    census: Census
    relations: Relations

    @property
    def html(self) -> str:
        """One page that needs nothing beside itself."""
        return page(self.census, self.relations)

    @property
    def json(self) -> dict[str, object]:
        """All figures."""
        return as_json(self.census, self.relations)

    def write(self, path: Path) -> None:
        """Write the page; it appears whole or not at all.

        Raises:
            NotWrittenError: as the disk says.
        """
        with told(path), written_aside(path) as aside:
            aside.write_text(self.html, encoding="utf-8")

    @property
    def words(self) -> str:
        """A few lines."""
        return summary(self.census, self.relations)


def census_of(
    studio: Studio, names: Sequence[str] | None = None
) -> Generator[CensusProgress, None, CensusTaken]:
    """Measure what usable LoRAs of a studio's library share.

    Args:
        studio: Whatever it wears stays on.
        names: Which ones; by default every usable one.

    Raises:
        InvalidRequestError: none of the names is usable, or none of the LoRAs changes anything.
    """
    loras = studio.originals(names)
    if not loras:
        raise InvalidRequestError("there is nothing to compare: choose at least one usable LoRA")
    census = yield from take_census(loras)
    return CensusTaken(census, relate({lora.name: sketch(lora) for lora in loras}))
