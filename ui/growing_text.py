"""Words of what happens to a subspace after its fit."""

from collections.abc import Sequence

from eigenlorax.jobs.job import Facts
from ui import text

REFIT = "Refit to the LoRAs of all styles"
ALL_STYLES = "all styles"
CALIBRATE = "Calibrate styles against their LoRAs"


def grown(decided: Sequence[str], stored: int) -> str:
    """What has joined a subspace, and how."""
    decisions = " ".join(_sentence(words) for words in decided)
    return (
        f"{decisions} The subspace takes {text.megabytes(stored)}; the other styles keep their coefficients."
    )


def refitted(found: Facts, seconds: float) -> str:
    """What a refit has done."""
    lines = [found["words"], *(f"{words}." for words in found["moved"])]
    return f"{' '.join(lines)} It took {seconds:.1f} s."


def calibrated(found: Facts, seconds: float) -> str:
    """How much nearer the styles came to their LoRAs."""
    pairs = list(found["distances"].values())
    before, after = (sum(side) / len(pairs) for side in zip(*pairs, strict=True))
    lines = [f"{name}: {why}." for name, why in found["skipped"].items()]
    return (
        f"{text.count(len(pairs), 'style')} learnt from their LoRAs: on average {after:.0%} of the way from "
        f"the LoRA to no style, {before:.0%} before. {' '.join(lines)} It took {seconds:.0f} s."
    )


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
