"""Words of the spectrum: how many directions hold the styles, beside what chance would give."""

from collections.abc import Mapping

from eigenlorax.subspaces.spectrum import PartSpectrum, Spectrum
from ui import text
from ui.language import say

TITLE = say("Spectrum: how much the styles share")
PARTS: Mapping[str, str] = {
    "text encoders": say("Text encoders"),
    "down": say("UNet, down"),
    "middle": say("UNet, middle"),
    "up": say("UNet, up"),
}
OWN = say("your styles")
CHANCE = say("strangers of the same strength")
AXIS = say("directions per module")
SHARE = 0.9


def measuring(done: int, total: int) -> str:
    """Progress."""
    return say("Measuring module {done} of {total}", done=done, total=total)


def meaning(spectrum: Spectrum) -> str:
    """What the curves mean, by the part whose styles share most."""
    best = max(spectrum.parts, key=lambda part: _saved(spectrum, part))
    own, chance = (best.reaches(spectrum.directions, SHARE, by_chance=side) for side in (False, True))
    part = PARTS[best.part]
    if own >= chance:
        return say(
            "Nowhere do your styles share more than strangers would: each keeps its own best ranks, and a "
            "larger collection of this kind would not compress further."
        )
    return say(
        "Most is shared in “{part}”: {own} keep 90 % of all styles' energy there; strangers would need "
        "{chance}. The further a line stands above the dashed one, the more these styles have in common.",
        part=part,
        own=text.count(own, "direction"),
        chance=chance,
    )


def reach(part: PartSpectrum, spectrum: Spectrum) -> str:
    """What stands in the corner of a chart."""
    own = part.reaches(spectrum.directions, SHARE)
    return say("90 % with {own}", own=own)


def sample(part: PartSpectrum) -> str:
    """How many modules a chart rests on."""
    return say("{measured} of {modules} modules", measured=part.measured, modules=part.modules)


def _saved(spectrum: Spectrum, part: PartSpectrum) -> float:
    """How many times fewer directions than by chance."""
    own, chance = (part.reaches(spectrum.directions, SHARE, by_chance=side) for side in (False, True))
    return chance / own
