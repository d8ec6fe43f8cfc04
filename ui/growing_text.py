"""Words of what happens to a subspace after its fit."""

from eigenlorax.subspaces.calibrating import CalibratedStyles
from eigenlorax.subspaces.growth import Added
from eigenlorax.subspaces.refit import Refitted
from ui import text

REFIT = "Refit to the LoRAs of all styles"
CALIBRATE = "Calibrate styles against their LoRAs"


def grown(added: list[Added], stored: int) -> str:
    """What has joined a subspace, and how."""
    decisions = " ".join(_sentence(one.decision.words) for one in added)
    return (
        f"{decisions} The subspace takes {text.megabytes(stored)}; the other styles keep their coefficients."
    )


def refitting(done: int, total: int, module: str) -> str:
    """Progress of a refit."""
    return f"Refit: module {done} of {total} · {module}"


def refitted(result: Refitted, seconds: float) -> str:
    """What a refit has done."""
    lines = [result.words, *(f"{one.words}." for one in result.moved.values())]
    return f"{' '.join(lines)} It took {seconds:.1f} s."


def calibrated(result: CalibratedStyles, seconds: float) -> str:
    """How much nearer the styles came to their LoRAs."""
    pairs = list(result.distances.values())
    before, after = (sum(side) / len(pairs) for side in zip(*pairs, strict=True))
    lines = [f"{name}: {why}." for name, why in result.skipped.items()]
    return (
        f"{text.count(len(pairs), 'style')} learnt from their LoRAs: on average {after:.0%} of the way from "
        f"the LoRA to no style, {before:.0%} before. {' '.join(lines)} It took {seconds:.0f} s."
    )


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
