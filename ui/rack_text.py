"""The words of the style rack, its tools and the map."""

from collections.abc import Mapping

from eigenlorax.dials import Region

WORDS: Mapping[str, str] = {
    "title": "Styles",
    "side": "Blend A or B",
    "flip": "Two blends: press one to flip to it (X)",
    "all_off": "All off",
    "filter": "Filter styles",
    "sort": "Sort",
    "by_name": "By name",
    "by_strength": "By strength",
    "by_favourite": "Favourites first",
    "only_on": "On only",
    "even": "Even",
    "even_title": "At 1.00 every style changes the model as much as the collection's middle one",
    "compact": "Compact",
    "live": "Live",
    "live_title": "Draw again whenever a style changes",
    "drag": "While dragging",
    "drag_title": "Draw small previews while a slider still moves",
    "help": "Keys",
    "none": "No style has this in its name or trigger words.",
    "empty": "No styles yet",
    "compress": "Compress them now",
    "library": "Go to Library",
    "waiting_one": "{0} LoRA waits in the Library. Compress turns it into a style with a slider here.",
    "waiting": "{0} LoRAs wait in the Library. Compress turns them into styles that share one small space; "
    "then each gets a slider here.",
    "nothing_waits": "Go to Library, add LoRAs and press Compress; then each of them gets a slider here.",
    "count": "{0} of {1} on",
    "soloed": "solo: {0}",
    "on": "{0} on",
    "strength": "{0} strength",
    "number": "{0} strength as a number",
    "solo": "{0} solo",
    "solo_title": "Use only this style (S)",
    "mute": "{0} mute",
    "mute_title": "Silent for now, its strength stays (M)",
    "lock": "{0} lock",
    "lock_title": "Dice, Balance, All off, the map and a morph leave it alone (L)",
    "details": "{0} details",
    "details_title": "Where and when it acts (D)",
    "keep": "Keep {0} as a style",
    "keep_short": "Keep",
    "keep_as": "Name for {0}",
    "save": "Save",
    "drop": "Remove {0}",
    "triggers": "trigger words: {0}",
    "no_triggers": "none",
    "kept": "energy kept: {0}",
    "scaled": "worn at {0}",
    "favourite": "favourite",
    "tools": "Blend tools",
    "balance": "Balance",
    "balance_title": "Give every style that is on an equal share of the blend; its overall size stays",
    "dice": "Dice",
    "dice_title": "A new style by chance, from the normal distribution of the collection's styles",
    "remix": "Remix",
    "remix_title": "A new style by chance, mixed of two or three of those there are",
    "seed": "Seed of the dice",
    "seed_short": "seed",
    "directions": "Directions",
    "directions_title": "Sliders along which the styles of the collection differ most",
    "map": "Map",
    "map_title": "Styles that do alike lie near each other",
    "map_label": "Map of styles. Arrow keys move the cross, with Shift they jump to the next style; "
    "Enter blends the neighbours, S soloes the nearest style.",
    "map_hint": "Click a place to blend its neighbours, click a style to solo it. "
    "The two axes show {0} of how the styles differ.",
    "map_near": "nearest: {0}",
    "meter": "Blend",
    "against": "against",
    "alike": "alike",
    "shares": "Share of the blend",
    "parts": "Part by part",
    "failed": "The page's server did not answer: is it still running?",
}  # fmt: skip

KEYS: tuple[tuple[str, str], ...] = (
    ("X", "flip between blend A and B"),
    ("/", "filter"),
    ("J, K", "next and previous style"),
    ("← →", "on a slider: one step; Page Up, Page Down: larger steps"),
    ("O", "on or off"),
    ("M", "mute"),
    ("S", "solo"),
    ("L", "lock"),
    ("D", "details"),
    ("R, double click", "back to the usual strength"),
)  # fmt: skip
"""What the keys do while the rack has the focus and nothing is typed."""

REGIONS: Mapping[Region, str] = {
    Region.TEXT_ENCODER: "Text encoder 1",
    Region.TEXT_ENCODER_2: "Text encoder 2",
    Region.COMPOSITION: "Composition",
    Region.CONTENT: "Content",
    Region.STYLE: "Style",
    Region.DETAIL: "Detail",
}

_ALIKE, _CLOSE = 0.5, 0.15
"""Cosines from which two styles are called alike, or near each other; strangers lie below."""


def verdict(balance: float, one: str, other: str, cosine: float) -> str:
    """A blend in a sentence: how its worst pair lies, and what that makes of the whole."""
    if abs(cosine) < _CLOSE:
        return "The styles get along: each has its own directions."
    how = _pair(cosine)
    rest = "" if abs(balance) < _CLOSE or (balance > 0) == (cosine > 0) else ", though others make up for it"
    return f"{one} and {other} {how} ({cosine:+.2f}){rest}."


def _pair(cosine: float) -> str:
    if cosine < 0:
        return "cancel each other" if cosine < -_ALIKE else "pull against each other"
    return "say nearly the same" if cosine > _ALIKE else "share some of their directions"


def kept(share: float) -> str:
    """What the blend's size is, against strangers of the same sizes."""
    return f"Together {share:.0%} of what strangers would add up to"


def balanced(clipped: bool) -> str:
    """What balancing has done."""
    if clipped:
        return "Balanced as far as the sliders reach: at the limit a style holds less than its share."
    return "Balanced: each free style holds the same share of the blend."


def kept_as(name: str) -> str:
    """A derived style has become one of the collection."""
    return f"Kept as {name}: it is in the rack from now on."


def ends(low: str, high: str, share: float) -> str:
    """Below a direction: the styles at its ends, and how much it tells."""
    return f"− {low} · + {high} · {share:.0%} of the differences"
