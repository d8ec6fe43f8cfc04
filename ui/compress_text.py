"""Words of the compress journey: what a compression will take, what it took, and the form around it."""

from eigenlorax.subspaces.estimate import SizeEstimate
from ui import text
from ui.language import say

WHAT = say("What")
HOW_NEAR = say("How near")
THEN = say("Then")
MORE = say("More for this subspace")
GROW_INFO = say("Brings the LoRAs chosen above in without a new fit; all other styles keep their numbers.")
REFIT_INFO = say("Fits the shared columns anew to the LoRAs of all styles, at the quality above.")
CALIBRATE_INFO = say(
    "Lets styles learn to predict what their LoRAs predict; takes minutes for each on a GPU."
)
REPORT_INFO = say("A page of figures: what is shared, who stands alone, what is there twice.")
ESTIMATE = say("Size beforehand")
MEASURING = say("Measuring what it will take …")


def estimated(told: SizeEstimate, *, by_size: bool) -> tuple[str, str]:
    """The estimate in one line, and what it rests on in another.

    Args:
        told: The estimate.
        by_size: A size was given, so the quality is what is told.
    """
    if not told.stored_bytes:
        return MEASURING, ""
    size, before = about(told.stored_bytes), text.megabytes(told.original_bytes)
    ratio = text.ratio(told.original_bytes, told.stored_bytes)
    if by_size:
        line = say(
            "{size} of {before} keep about {quality} of each LoRA's effect",
            size=text.megabytes(told.stored_bytes),
            before=before,
            quality=percent(told.quality),
        )
    else:
        line = say("About {size} of {before}, {ratio}", size=size, before=before, ratio=ratio)
    return line, _rests_on(told)


def about(count: int) -> str:
    """Bytes to two digits, as far as an estimate goes."""
    step = 10 ** max(0, len(str(count)) - 2)
    return text.megabytes(round(count / step) * step).replace(".0 ", " ")


def percent(share: float) -> str:
    """A share as people read it, closer where it is near to all."""
    return f"{share:.2%}" if share > 0.99 else f"{share:.1%}" if share > 0.9 else f"{share:.0%}"


def foretold(before: int, true: int) -> str:
    """What was told beforehand beside what it truly takes."""
    off = (before - true) / true
    return say(
        "Estimated {before}, true {true} ({off} off).",
        before=text.megabytes(before),
        true=text.megabytes(true),
        off=f"{off:+.1%}",
    )


def foretold_quality(before: float, true: float) -> str:
    """The same of a compression to a size, whose quality was told."""
    return say(
        "Estimated {before} of each LoRA's effect, true {true}.", before=percent(before), true=percent(true)
    )


def _rests_on(told: SizeEstimate) -> str:
    loras = text.count(told.loras, "LoRA")
    if told.looked_at < told.loras:
        loras = say("{some} of {all}", some=told.looked_at, all=loras)
    if told.measured == told.modules:
        return say("An estimate for {loras}, from all of their modules.", loras=loras)
    words = say(
        "An estimate for {loras}, from {measured} of {modules} modules",
        loras=loras,
        measured=told.measured,
        modules=told.modules,
    )
    return f"{words}." if told.is_final else f"{words} …"
