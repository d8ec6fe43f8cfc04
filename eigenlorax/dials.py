"""How strongly a style acts where and when: on text encoders, on parts of the UNet, over the steps."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from itertools import pairwise

from eigenlorax.errors import InvalidRequestError
from eigenlorax.module_path import Component, ModulePath

#: Largest strength and factor that is accepted, either sign.
MOST = 10.0


class Region(StrEnum):
    """The parts of a base model that a style can be turned up or down in.

    Source: which blocks of SDXL carry layout, content and style: arXiv:2404.02733 (InstantStyle: the last
    downward attention lays out, `up_blocks.0.attentions.1` styles) and arXiv:2403.14572 (B-LoRA:
    `up_blocks.0.attentions.0` holds the content, `.1` the style).
    """

    TEXT_ENCODER = "text_encoder"
    TEXT_ENCODER_2 = "text_encoder_2"
    COMPOSITION = "composition"
    CONTENT = "content"
    STYLE = "style"
    DETAIL = "detail"


REGIONS = tuple(Region)


def region_of(path: ModulePath) -> Region:
    """The one region that a parameter belongs to.

    The way down, the middle and what the UNet is told of time and size: composition. The first layer upward:
    content; the rest of the lowest block upward: style; everything above it: detail.
    """
    if path.component is not Component.UNET:
        return Region(path.component.value)
    block, _, rest = path.name.partition(".")
    if block == "up_blocks":
        number, _, layer = rest.partition(".")
        if number != "0":
            return Region.DETAIL
        first = layer.startswith(("attentions.0.", "resnets.0."))
        return Region.CONTENT if first else Region.STYLE
    return Region.DETAIL if block in ("conv_out", "conv_norm_out") else Region.COMPOSITION


@dataclass(frozen=True)
class Dials:
    """Factors on a style's strength, 1 as it is.

    Attributes:
        unet: On all of the UNet, beside the factors of its regions.
        text_encoder, text_encoder_2: On each text encoder.
        composition, content, style, detail: On the UNet's regions.
        curve: Points (progress, factor) of a polygon over the steps, progress ascending in [0, 1]; before the
            first and after the last point it goes on level. It acts on the UNet: prompts are encoded once.
    """

    unet: float = 1.0
    text_encoder: float = 1.0
    text_encoder_2: float = 1.0
    composition: float = 1.0
    content: float = 1.0
    style: float = 1.0
    detail: float = 1.0
    curve: tuple[tuple[float, float], ...] = ()

    def check(self, name: str) -> None:
        """Refuse what cannot be meant.

        Args:
            name: The style's, for the message.

        Raises:
            InvalidRequestError: a factor or a point is out of range, or the curve runs backwards.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "curve" and not -MOST <= value <= MOST:
                raise InvalidRequestError(
                    f"{name}: {field.name} is {value}: choose a factor from {-MOST:g} to {MOST:g}"
                )
        for progress, factor in self.curve:
            if not (0.0 <= progress <= 1.0 and -MOST <= factor <= MOST):
                raise InvalidRequestError(
                    f"{name}: the curve has a point ({progress}, {factor}): choose progress from 0 to 1 and "
                    f"a factor from {-MOST:g} to {MOST:g}"
                )
        if any(later[0] <= sooner[0] for sooner, later in pairwise(self.curve)):
            raise InvalidRequestError(f"{name}: the curve's points must be in order of progress, each once")

    def factor(self, region: Region, progress: float = 0.0) -> float:
        """The factor in one region at one moment.

        Args:
            region: Where.
            progress: Share of the steps that are done, in [0, 1].
        """
        own = float(getattr(self, region.value))
        if region in (Region.TEXT_ENCODER, Region.TEXT_ENCODER_2):
            return own
        return own * self.unet * self.at(progress)

    def at(self, progress: float) -> float:
        """The curve's factor."""
        if not self.curve:
            return 1.0
        if progress <= self.curve[0][0]:
            return self.curve[0][1]
        for (start, low), (end, high) in pairwise(self.curve):
            if progress <= end:
                return low + (high - low) * (progress - start) / (end - start)
        return self.curve[-1][1]


AS_IT_IS = Dials()
StyleDials = Mapping[str, Dials]
"""Style name -> its dials; a style without acts as it is."""
