"""Words of what happens to a subspace after its fit."""

from collections.abc import Sequence

from eigenlorax.jobs.job import Facts
from ui import text
from ui.language import say

REFIT = say("Refit to the LoRAs of all styles")
ALL_STYLES = say("all styles")
CALIBRATE = say("Calibrate styles against their LoRAs")


def grown(decided: Sequence[str], stored: int) -> str:
    """What has joined a subspace, and how."""
    decisions = " ".join(_sentence(words) for words in decided)
    return say(
        "{decisions} The subspace takes {size}; the other styles keep their coefficients.",
        decisions=decisions,
        size=text.megabytes(stored),
    )


def refitted(found: Facts, seconds: float) -> str:
    """What a refit has done."""
    lines = [found["words"], *(f"{words}." for words in found["moved"])]
    return say("{told} It took {seconds:.1f} s.", told=" ".join(lines), seconds=seconds)


def calibrated(found: Facts, seconds: float) -> str:
    """How much nearer the styles came to their LoRAs."""
    pairs = list(found["distances"].values())
    before, after = (sum(side) / len(pairs) for side in zip(*pairs, strict=True))
    lines = [f"{name}: {why}." for name, why in found["skipped"].items()]
    return say(
        "{styles} learnt from their LoRAs: on average {after:.0%} of the way from the LoRA "
        "to no style, {before:.0%} before. {skipped} It took {seconds:.0f} s.",
        styles=text.count(len(pairs), "style"),
        after=after,
        before=before,
        skipped=" ".join(lines),
        seconds=seconds,
    )


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
