"""How a style is taught, and ready-made choices of it by goal."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from eigenlorax.errors import refuse_outside


@dataclass(frozen=True)
class TeachSettings:
    """How a style is taught; defaults as `python -m tests.benchmarks.training` found them.

    Attributes:
        steps: Optimiser steps at most.
        rows: Pictures of a step that the model sees at once.
        rate: Adam's learning rate on whitened coefficients at the start, falling to 0 along a cosine.
        prior: lambda of the Gaussian prior lambda |z|^2, for each coefficient on average.
        check: Steps between two measurements on held-out pictures.
        patience: Measurements without a better one after which it ends; 0 goes on to the end.
        gamma: min-SNR; 0 counts all timesteps alike.
        offset: Noise offset.
        unprompted: Share of rows that are shown without their caption.
        mixing: Steps that fit a mixture of donors before the coefficients themselves.
        blocks: Steps that then fit a mixture for each block of the UNet and each text encoder.
        ranks: Private ranks that begin after the coefficients, along the gradient that they cannot follow.
        texts: Whether both text encoders learn too.
        preserve: What pictures of the bare base count, drawn for the subject alone; 0 is without.
        accumulate: Batches of a step, one after the other.
        decay: Decoupled weight decay in place of the prior, for comparison.
        seed: Of everything random.
    """

    steps: int = 150
    rows: int = 4
    rate: float = 0.04
    prior: float = 0.001
    check: int = 10
    patience: int = 5
    gamma: float = 5.0
    offset: float = 0.0
    unprompted: float = 0.1
    mixing: int = 12
    blocks: int = 12
    ranks: int = 0
    texts: bool = False
    preserve: float = 0.0
    accumulate: int = 1
    decay: float = 0.0
    seed: int = 0

    def check_ranges(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            InvalidRequestError: a number is out of its range; says which.
        """
        ranges = {
            "steps": (1, 100_000), "rows": (1, 64), "rate": (1e-6, 10), "prior": (0, 1e3),
            "check": (1, 10_000), "patience": (0, 10_000), "gamma": (0, 1e3), "offset": (0, 1),
            "unprompted": (0, 1), "mixing": (0, 1000), "blocks": (0, 1000), "ranks": (0, 16),
            "preserve": (0, 10), "accumulate": (1, 256), "decay": (0, 100),
        }  # fmt: skip
        refuse_outside({name: (getattr(self, name), *limits) for name, limits in ranges.items()})


_STYLE = TeachSettings()

PRESETS: Mapping[str, TeachSettings] = {
    "style": _STYLE,
    "character": replace(_STYLE, texts=True, preserve=0.5),
    "object": replace(_STYLE, preserve=0.5),
    "quick": replace(_STYLE, steps=50, rate=0.08, patience=2),
    "best": replace(_STYLE, patience=8, ranks=1),
}
"""By goal: a look, a person or figure, a thing, in little time, or as near as it gets."""
