"""The use case of the report: a studio's LoRAs and styles in, figures, pictures and the page out."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from eigenlorax.cases.pictures import (
    Compared,
    Looking,
    LookingProgress,
    compare_pictures,
    draw_components,
    known_figures,
)
from eigenlorax.errors import InvalidRequestError
from eigenlorax.formats.relations import Relations, relate, sketch
from eigenlorax.library.atomic import told, written_aside
from eigenlorax.likeness import StyleLikeness
from eigenlorax.report.census_page import as_json, page
from eigenlorax.report.census_words import summary
from eigenlorax.report.picture_parts import (
    ComponentPictures,
    component_pictures,
    components_json,
    style_pictures,
)
from eigenlorax.report.style_part import styles_json, styles_part
from eigenlorax.studio import Studio
from eigenlorax.subspace.census import Census, CensusProgress, take_census
from eigenlorax.subspace.components import leading
from eigenlorax.subspace.style import Style

COMPONENTS = 3


@dataclass(frozen=True)
class CensusTaken:
    """What a collection shares, how its LoRAs relate, and how near its styles are to them.

    Attributes:
        styles: Of the current subspace, those whose LoRAs were measured.
        outside: LoRA -> why the bases were fitted without it.
        likeness: Style -> what was measured in pictures, now or before.
        compared: The pictures, where they were asked for and there are styles.
        components: Pictures along the leading components, where they were asked for.
    """

    census: Census
    relations: Relations
    styles: tuple[Style, ...] = ()
    outside: Mapping[str, str] = field(default_factory=dict)
    likeness: Mapping[str, StyleLikeness] = field(default_factory=dict)
    compared: Compared | None = None
    components: tuple[ComponentPictures, ...] = ()

    @property
    def html(self) -> str:
        """One page that needs nothing beside itself."""
        more = [styles_part(self.styles, self.census, self.outside, self.likeness)]
        if self.compared is not None:
            more.append(style_pictures(self.compared.figures, self.compared.trios))
        return page(self.census, self.relations, [*more, component_pictures(self.components)])

    @property
    def json(self) -> dict[str, object]:
        """All figures."""
        return as_json(self.census, self.relations) | {
            "styles": styles_json(self.styles, self.likeness),
            "outside": dict(self.outside),
            "components": components_json(leading(self.census, COMPONENTS)),
        }

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
        lines = [summary(self.census, self.relations)]
        lines += [f"{name} is outside of the subspace: {why}" for name, why in self.outside.items()]
        lines += [f"{style.name}: {style.fidelity.remark}" for style in self.styles if style.fidelity.remark]
        return "\n".join(lines)


def census_of(
    studio: Studio, names: Sequence[str] | None = None, looking: Looking | None = None
) -> Generator[CensusProgress | LookingProgress, None, CensusTaken]:
    """Measure what usable LoRAs of a studio's library share, and look at them where that is asked for.

    Args:
        studio: Its subspace stays as it is.
        names: Which ones; by default every usable one.
        looking: What to draw: each style beside its LoRA, and the leading components; by default nothing.

    Raises:
        InvalidRequestError: none of the names is usable, none of the LoRAs changes anything, or what to draw
            is out of range.
    """
    loras = studio.originals(names)
    if not loras:
        raise InvalidRequestError("there is nothing to compare: choose at least one usable LoRA")
    if looking is not None:
        looking.check()
    census = yield from take_census(loras)
    styles = studio.styles
    chosen = [lora.name for lora in loras if lora.name in styles]
    compared, components = None, []
    if looking is not None:
        if chosen:
            compared = yield from compare_pictures(studio, chosen, looking)
        components = yield from draw_components(studio, census, loras, looking, COMPONENTS)
    return CensusTaken(
        census,
        relate({lora.name: sketch(lora) for lora in loras}),
        tuple(styles[name] for name in chosen),
        studio.subspaces.excluded if chosen else {},
        {name: figure for name, figure in known_figures(studio).items() if name in chosen},
        compared,
        tuple(components),
    )
