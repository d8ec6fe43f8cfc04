"""What a model is to wear: a blend, or one for each picture of a batch, with all that it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from eigenlorax.dials import AS_IT_IS, REGIONS, StyleDials
from eigenlorax.recipe import StyleBlend
from eigenlorax.runtime.pool import Weights
from eigenlorax.subspace.style import Style, chosen
from eigenlorax.subspace.subspace import Subspace


@dataclass(frozen=True)
class Outfit:
    """Styles at their strengths.

    Attributes:
        subspace: The one that the styles belong to.
        styles: All styles of it by name.
        worn: Those with a strength in any blend.
        blends: One for all pictures, or one for each.
        dials: Of the styles worn that have any.
    """

    subspace: Subspace
    styles: Mapping[str, Style]
    worn: tuple[Style, ...]
    blends: tuple[StyleBlend, ...]
    dials: StyleDials

    @property
    def per_picture(self) -> bool:
        """Whether each picture of a batch has a blend of its own."""
        return len(self.blends) > 1

    @property
    def curved(self) -> bool:
        """Whether strengths change from step to step."""
        return any(dials.curve for dials in self.dials.values())

    def weights(self, worn: Sequence[Style], progress: float = 0.0) -> Weights:
        """The strength of each of these styles in each region, for each blend, at one moment of the steps."""
        factors = [
            [self.dials.get(style.name, AS_IT_IS).factor(region, progress) for region in REGIONS]
            for style in worn
        ]
        strengths = [[blend.get(style.name, 0.0) for style in worn] for blend in self.blends]
        rows, styles = len(self.blends), len(worn)
        return torch.tensor(strengths).view(rows, styles, 1) * torch.tensor(factors).view(
            1, styles, len(REGIONS)
        )

    def same(self, other: "Outfit") -> bool:
        """Whether both make the model the same; styles are told apart as objects, since one may learn."""
        return (
            self.subspace.hash == other.subspace.hash
            and len(self.worn) == len(other.worn)
            and all(a is b for a, b in zip(self.worn, other.worn, strict=True))
            and (self.blends, self.dials) == (other.blends, other.dials)
        )


def outfit_of(
    subspace: Subspace, styles: Mapping[str, Style], blends: Sequence[StyleBlend], dials: StyleDials
) -> Outfit:
    """The outfit of these blends.

    Raises:
        UnknownStyleError, SubspaceMismatchError: as `chosen`.
    """
    clean = tuple(chosen(styles, blend) for blend in blends)
    names = sorted({name for blend in clean for name in blend})
    worn = tuple(styles[name] for name in names)
    return Outfit(subspace, styles, worn, clean, {name: dials[name] for name in names if name in dials})
