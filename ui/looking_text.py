"""Words of the page about how near styles are to their LoRAs, and about who is left out."""

from collections.abc import Mapping, Sequence

from eigenlorax.subspace.fidelity import FidelityVerdict
from ui import text
from ui.language import say

EXCLUDE = say("Leave out by words")
EXCLUDE_INFO = say(
    "Type a word, for example gore, and press Enter. A LoRA whose name, trigger words or tags "
    "hold one of them whole is not compressed; the subspace records it."
)
OUTLIERS = say("Keep outliers out of the basis")
OUTLIERS_INFO = say(
    "Looks first for LoRAs that share nothing while the others do; they are kept by themselves."
)
LOOK = say("Compare in pictures")
LOOK_HEADING = say("Styles beside their LoRAs")
LOOK_INFO = say(
    "Draws no style, the original LoRA and its style at one seed, for the LoRAs chosen "
    "above or for all: three pictures for each style and prompt."
)
PROMPTS = say("Prompts to compare with")
PROMPTS_INFO = say("One a line; trigger words are added.")
SHEET = say("Originals above their styles")
DETAILS = say("How near, in figures")
LOSES = say("its own SVD at the same bytes is nearer")
NOTE = say(
    "Effect kept is the share of a LoRA's squared effect on predictions that its style "
    "reproduces: 99 % and more is faithful, 95 % close, 75 % loose, below that lost. "
    "Before you judge, press “Compare in pictures” under “More for this subspace”: "
    "there 0 % is the LoRA's own picture "
    "and 100 % as far from it as no style."
)
VERDICTS: Mapping[FidelityVerdict, str] = {
    FidelityVerdict.FAITHFUL: say("faithful"),
    FidelityVerdict.CLOSE: say("close"),
    FidelityVerdict.LOOSE: say("loose"),
    FidelityVerdict.LOST: say("lost"),
}


def words(given: str) -> list[str]:
    """The words of a comma-separated line."""
    return [word.strip() for word in given.split(",") if word.strip()]


def of_loras(names: Sequence[str]) -> str:
    """Which LoRAs some work is about; none named are all."""
    return _named(names, say("all LoRAs"))


def of_styles(names: Sequence[str]) -> str:
    """Which styles some work is about; none named are all."""
    return _named(names, say("all styles"))


def _named(names: Sequence[str], everything: str) -> str:
    shown, more = ", ".join(names[:3]), len(names) - 3
    return say("{shown} and {more} more", shown=shown, more=more) if more > 0 else shown or everything


def looked(styles: int, missing: Sequence[str], seconds: float) -> str:
    """What a comparison in pictures has brought."""
    told = say(
        "{styles} compared in {seconds:.0f} s; the figures are in the table.",
        styles=text.count(styles, "style"),
        seconds=seconds,
    )
    gone = say("Not drawn, since their LoRAs are gone: {names}.", names=", ".join(missing))
    return f"{told} {gone}" if missing else told


def relative(share: float | None) -> str:
    """How far pictures are from the LoRA's own, where no style at all is 100 %."""
    return say("no effect") if share is None else f"{share:.0%}"


def excluded(names: Mapping[str, str]) -> str:
    """Who was left out of the basis, and why."""
    told = "; ".join(f"{name} ({why})" for name, why in names.items())
    return say("Out of the basis: {names}", names=told)


def calibrated(before: float | None, after: float) -> str:
    """How much nearer a style's predictions came to its LoRA's."""
    now = say("predictions {after:.0%} of the way from the LoRA to no style", after=after)
    return now if before is None else say("{now}, {before:.0%} before calibration", now=now, before=before)
