"""The use case of a census: a studio's LoRAs in, the figures and the page out; nothing is changed."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from eigenlorax.census_report import as_json, page
from eigenlorax.census_words import summary
from eigenlorax.errors import InvalidRequestError
from eigenlorax.formats.read import LoRAReader
from eigenlorax.formats.relations import Relations, relate, sketch
from eigenlorax.lora import LoRA
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

    @property
    def words(self) -> str:
        """A few lines."""
        return summary(self.census, self.relations)


def census_of(
    studio: Studio, names: Sequence[str] | None = None
) -> Generator[CensusProgress, None, CensusTaken]:
    """Measure what usable LoRAs of a studio's library share.

    Args:
        studio: Its base must wear nothing, as after opening.
        names: Which ones; by default every usable one.

    Raises:
        InvalidRequestError: none of the names is usable, or none of the LoRAs changes anything.
    """
    loras = _open(studio, names)
    census = yield from take_census(loras)
    return CensusTaken(census, relate({lora.name: sketch(lora) for lora in loras}))


def _open(studio: Studio, names: Sequence[str] | None) -> list[LoRA]:
    paths = {entry.report.name: entry.report.path for entry in studio.entries() if entry.report.usable}
    base = studio.base
    reader = LoRAReader(
        base.layout, lambda path: base.parameters[path].detach().reshape(base.layout[path].matrix)
    )
    chosen = [paths[name] for name in dict.fromkeys(paths if names is None else names) if name in paths]
    if not chosen:
        raise InvalidRequestError("there is nothing to compare: choose at least one usable LoRA")
    return [reader.open(path) for path in chosen]
