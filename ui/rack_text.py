"""The words of the style rack, its tools and the map."""

from collections.abc import Mapping

from eigenlorax.dials import Region
from ui.language import say

LABEL = say("Style rack")
NOTHING_ON = say("switch on a style first: it is compared with its original LoRA")
WORDS: Mapping[str, str] = {
    "title": say("Styles"),
    "side": say("Blend A or B"),
    "flip": say("Two blends: press one to flip to it (X)"),
    "all_off": say("All off"),
    "filter": say("Filter styles"),
    "sort": say("Sort"),
    "by_name": say("By name"),
    "by_strength": say("By strength"),
    "by_favourite": say("Favourites first"),
    "only_on": say("On only"),
    "even": say("Even"),
    "even_title": say("At 1.00 every style changes the model as much as the collection's middle one"),
    "compact": say("Compact"),
    "live": say("Live"),
    "live_title": say("Draw again whenever a style changes"),
    "drag": say("While dragging"),
    "drag_title": say("Draw small previews while a slider still moves"),
    "help": say("Help"),
    "keys": say("Keys"),
    "words": say("Words and signs"),
    "none": say("No style has this in its name or trigger words."),
    "empty": say("No styles yet"),
    "compress": say("Compress them now"),
    "library": say("Go to Library"),
    "waiting_one": say("{0} LoRA waits in the Library. Compress turns it into a style with a slider here."),
    "waiting": say(
        "{0} LoRAs wait in the Library. Compress turns them into styles that share one small "
        "space; then each gets a slider here."
    ),
    "nothing_waits": say(
        "Go to Library, add LoRAs and press Compress; then each of them gets a slider here."
    ),
    "count": say("{0} of {1} on"),
    "soloed": say("solo: {0}"),
    "on": say("{0} on"),
    "strength": say("{0} strength"),
    "number": say("{0} strength as a number"),
    "solo": say("{0} solo"),
    "solo_title": say("Use only this style (S)"),
    "mute": say("{0} mute"),
    "mute_title": say("Silent for now, its strength stays (M)"),
    "lock": say("{0} lock"),
    "lock_title": say("Dice, Balance, All off, the map and a morph leave it alone (L)"),
    "details": say("{0} details"),
    "details_title": say("Where and when it acts (D)"),
    "keep": say("Keep {0} as a style"),
    "keep_short": say("Keep"),
    "keep_as": say("Name for {0}"),
    "save": say("Save"),
    "drop": say("Remove {0}"),
    "triggers": say("trigger words: {0}"),
    "no_triggers": say("none"),
    "kept": say("energy kept: {0}"),
    "scaled": say("worn at {0}"),
    "favourite": say("favourite"),
    "tools": say("Blend tools"),
    "balance": say("Balance"),
    "balance_title": say("Give every style that is on an equal share of the blend; its overall size stays"),
    "dice": say("Dice"),
    "dice_title": say("A new style by chance, from the normal distribution of the collection's styles"),
    "remix": say("Remix"),
    "remix_title": say("A new style by chance, mixed of two or three of those there are"),
    "seed": say("Seed of the dice"),
    "seed_short": say("seed"),
    "directions": say("Directions"),
    "directions_title": say("Sliders along which the styles of the collection differ most"),
    "map": say("Map"),
    "map_title": say("Styles that do alike lie near each other"),
    "map_label": say(
        "Map of styles. Arrow keys move the cross, with Shift they jump to the next style; "
        "Enter blends the neighbours, S soloes the nearest style."
    ),
    "map_hint": say(
        "Click a place to blend its neighbours, click a style to solo it. The two axes show "
        "{0} of how the styles differ."
    ),
    "map_near": say("nearest: {0}"),
    "meter": say("Blend"),
    "against": say("against"),
    "alike": say("alike"),
    "shares": say("Share of the blend"),
    "parts": say("Part by part"),
    "dials": say("{0} details"),
    "dial": "{0} {1}",
    "dial_number": say("{0} {1} as a number"),
    "dial_unet": say("UNet"),
    "dial_text_encoder": say("Text encoder 1"),
    "dial_text_encoder_2": say("Text encoder 2"),
    "dial_composition": say("Composition"),
    "dial_content": say("Content"),
    "dial_style": say("Style"),
    "dial_detail": say("Detail"),
    "curve": say("Over the steps"),
    "curve_of": say("{0} over the steps"),
    "curve_points_of": say("{0} curve points"),
    "curve_points_title": say("progress:factor pairs; progress runs from 0 to 1"),
    "curve_constant": say("Constant"),
    "curve_fade in": say("Fade in"),
    "curve_fade out": say("Fade out"),
    "curve_points": say("Points"),
    "reset": say("Reset"),
    "reset_of": say("Reset details of {0}"),
    "failed": say("The page's server did not answer: is it still running?"),
}

KEYS: tuple[tuple[str, str], ...] = (
    ("X", say("flip between blend A and B")),
    ("/", say("filter")),
    ("J, K", say("next and previous style")),
    ("← →", say("on a slider: one step; Page Up, Page Down: larger steps")),
    ("O", say("on or off")),
    ("M", say("mute")),
    ("S", say("solo")),
    ("L", say("lock")),
    ("D", say("details")),
    (say("R, double click"), say("back to the usual strength")),
)
"""What the keys do while the rack has the focus and nothing is typed."""

REGIONS: Mapping[Region, str] = {
    Region.TEXT_ENCODER: say("Text encoder 1"),
    Region.TEXT_ENCODER_2: say("Text encoder 2"),
    Region.COMPOSITION: say("Composition"),
    Region.CONTENT: say("Content"),
    Region.STYLE: say("Style"),
    Region.DETAIL: say("Detail"),
}

_ALIKE, _CLOSE = 0.5, 0.15
"""Cosines from which two styles are called alike, or near each other; strangers lie below."""


def verdict(balance: float, one: str, other: str, cosine: float) -> str:
    """A blend in a sentence: how its worst pair lies, and what that makes of the whole."""
    if abs(cosine) < _CLOSE:
        return say("The styles get along: each has its own directions.")
    how = _pair(cosine)
    told = {"one": one, "other": other, "how": how, "cosine": cosine}
    if abs(balance) < _CLOSE or (balance > 0) == (cosine > 0):
        return say("{one} and {other} {how} ({cosine:+.2f}).", **told)
    return say("{one} and {other} {how} ({cosine:+.2f}), though others make up for it.", **told)


def _pair(cosine: float) -> str:
    if cosine < 0:
        return say("cancel each other") if cosine < -_ALIKE else say("pull against each other")
    return say("say nearly the same") if cosine > _ALIKE else say("share some of their directions")


def kept(share: float) -> str:
    """What the blend's size is, against strangers of the same sizes."""
    return say("Together {share:.0%} of what strangers would add up to", share=share)


def balanced(clipped: bool) -> str:
    """What balancing has done."""
    if clipped:
        return say("Balanced as far as the sliders reach: at the limit a style holds less than its share.")
    return say("Balanced: each free style holds the same share of the blend.")


def kept_as(name: str) -> str:
    """A derived style has become one of the collection."""
    return say("Kept as {name}: it is in the rack from now on.", name=name)


def ends(low: str, high: str, share: float) -> str:
    """Below a direction: the styles at its ends, and how much it tells."""
    return say("− {low} · + {high} · {share:.0%} of the differences", low=low, high=high, share=share)
