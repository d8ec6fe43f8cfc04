"""Subjects and picture sets: reading the captions, the subject split, the common subjects, the roles of the sets.

Used by every program that makes or measures the demo model, so that all of them agree on what is train and test.
"""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

Row = dict[str, Any]

#: Which sets are drawn by one hand: a set is only unseen when its whole family is.
FAMILIES: dict[str, str] = {
    "noto": "noto",
    "noto-v1": "noto-v1",
    "twemoji": "twemoji",
    "emojione": "emojione",
    "emojione-monotone": "emojione",
    "fxemoji": "fxemoji",
    "p-tabler-outline": "tabler",
    "fluent-3d": "fluent",
    "fluent-emoji": "fluent",
    "fluent-emoji-flat": "fluent",
    "fluent-emoji-high-contrast": "fluent",
    "noto-mono-300": "noto-mono",
    "noto-mono-700": "noto-mono",
    "p-solar-bold-duotone": "solar",
    "p-solar-broken": "solar",
    "p-solar-linear": "solar",
    "streamline-emojis": "streamline",
    "game-icons": "game-icons",
    "p-ph-duotone": "phosphor",
    "p-ph-fill": "phosphor",
    "p-ph-thin": "phosphor",
    "p-icon-park": "icon-park",
}

#: Sets that the base model and the VAE learn from.
BASE_SETS: tuple[str, ...] = (
    "noto",
    "noto-v1",
    "twemoji",
    "emojione",
    "emojione-monotone",
    "fxemoji",
    "p-tabler-outline",
)

#: Sets never shown to the base or the VAE, used for vendor LoRAs (fluent-emoji is fluent-3d drawn as vectors:
#: the two cannot be told apart, so only fluent-3d makes a style).
LORA_SETS: tuple[str, ...] = (
    "fluent-3d",
    "fluent-emoji-flat",
    "fluent-emoji-high-contrast",
    "noto-mono-300",
    "noto-mono-700",
    "p-solar-bold-duotone",
    "p-solar-broken",
    "p-solar-linear",
)

#: Sets never shown to the base, the VAE or any shipped LoRA: kept for few-shot training.
FEWSHOT_SETS: tuple[str, ...] = ("streamline-emojis", "game-icons", "p-ph-duotone", "p-icon-park")

#: Image-made styles that no shipped LoRA uses.
FEWSHOT_STYLES: tuple[str, ...] = ("stained-glass", "mosaic")

#: Coloured sets from which the image-made styles are drawn, and the one kept aside for measuring them.
STYLE_SOURCES: tuple[str, ...] = ("twemoji", "noto", "noto-v1", "emojione")
STYLE_REFERENCE: str = "fxemoji"

_REQUIRED: tuple[str, ...] = (
    "noto",
    "noto-v1",
    "twemoji",
    "emojione",
    "emojione-monotone",
    "fluent-3d",
    "fluent-emoji-flat",
    "noto-mono-700",
)
_GROUPS: tuple[str, ...] = ("Animals & Nature", "Food & Drink", "Travel & Places", "Activities", "Objects")
_SUBGROUPS_OUT: tuple[str, ...] = ("place-map", "time", "arts-crafts", "game", "event", "award-medal", "sound")
_KEPT: tuple[str, ...] = (
    "alarm clock",
    "hourglass done",
    "christmas tree",
    "balloon",
    "wrapped gift",
    "jack-o-lantern",
    "trophy",
    "bell",
    "bullseye",
    "game die",
    "artist palette",
    "video game",
    "crystal ball",
    "ticket",
    "sports medal",
)
#: Subjects that the vendors draw alike or that have no one shape: only the first of each group may be taken.
_LOOKALIKES: tuple[tuple[str, ...], ...] = (
    ("dog", "wolf", "poodle"),
    ("mouse", "rat", "hamster", "chipmunk"),
    ("cow", "ox", "water buffalo"),
    ("pig", "boar"),
    ("goat", "ram", "ewe"),
    ("tiger", "leopard"),
    ("horse", "horse racing", "carousel horse"),
    ("chicken", "rooster", "turkey"),
    ("baby chick", "hatching chick", "bird"),
    ("whale", "spouting whale", "dolphin", "shark"),
    ("fish", "tropical fish", "blowfish"),
    ("bug", "ant", "honeybee", "lady beetle", "scorpion"),
    ("rose", "tulip", "hibiscus", "blossom", "cherry blossom", "white flower", "sunflower", "rosette"),
    ("seedling", "herb", "sheaf of rice"),
    ("shamrock", "four leaf clover"),
    ("maple leaf", "fallen leaf", "leaf fluttering in wind"),
    ("evergreen tree", "christmas tree", "tanabata tree", "pine decoration"),
    ("tangerine", "lemon", "peach", "melon", "tomato"),
    ("red apple", "green apple"),
    ("soft ice cream", "ice cream", "shaved ice"),
    ("steaming bowl", "cooked rice", "curry rice", "pot of food", "spaghetti", "rice cracker", "bento box"),
    ("dango", "oden", "fish cake with swirl", "roasted sweet potato"),
    ("wine glass", "cocktail glass", "tropical drink", "glass of milk", "tumbler glass"),
    ("hot beverage", "teacup without handle", "sake"),
    ("beer mug", "clinking beer mugs"),
    ("fork and knife", "fork and knife with plate"),
    ("castle", "japanese castle", "classical building", "stadium", "place of worship"),
    ("house", "houses", "derelict house", "building construction"),
    (
        "office building", "hospital", "bank", "hotel", "love hotel", "school", "post office", "factory",
        "department store", "convenience store", "cityscape", "wedding", "church", "mosque", "synagogue",
    ),
    ("mountain", "volcano", "snow-capped mountain", "mount fuji", "national park"),
    ("desert island", "beach with umbrella", "desert", "camping"),
    ("sunrise", "sunset", "sunrise over mountains", "night with stars", "bridge at night", "foggy", "milky way"),
    ("train", "tram", "metro", "station", "light rail", "locomotive", "railway car", "monorail", "bullet train"),
    ("bus", "trolleybus", "minibus", "ambulance", "delivery truck", "articulated lorry", "fire engine"),
    ("automobile", "taxi", "police car", "sport utility vehicle", "racing car"),
    ("motorcycle", "motor scooter"),
    ("construction", "stop sign", "bus stop"),
    ("ship", "ferry", "passenger ship", "motor boat", "speedboat"),
    ("suspension railway", "mountain cableway", "aerial tramway", "mountain railway"),
    ("full moon", "new moon", "crescent moon"),
    ("star", "glowing star", "shooting star", "sparkles", "sun", "comet"),
    ("fog", "tornado", "cyclone", "water wave", "wind face"),
    ("cloud", "cloud with rain", "sun behind cloud"),
    ("circus tent", "tent"),
    ("handbag", "purse", "clutch bag", "shopping bags", "briefcase", "luggage"),
    ("running shoe", "man's shoe"),
    ("high-heeled shoe", "woman's sandal", "woman's boot"),
    ("t-shirt", "running shirt", "woman's clothes", "kimono"),
    ("glasses", "sunglasses", "goggles"),
    ("laptop", "desktop computer", "television", "framed picture"),
    ("mobile phone", "pager"),
    ("telephone", "fax machine", "telephone receiver"),
    ("optical disk", "dvd"),
    ("floppy disk", "computer disk"),
    ("camera", "movie camera", "video camera", "film projector"),
    ("notebook", "closed book", "green book", "ledger", "notebook with decorative cover", "books"),
    (
        "page facing up", "page with curl", "bookmark tabs", "newspaper", "memo", "receipt", "scroll", "clipboard",
        "spiral notepad", "card index dividers", "label", "rolled-up newspaper",
    ),
    ("dollar banknote", "money with wings", "credit card", "identification card"),
    ("chart increasing", "chart decreasing", "bar chart"),
    ("envelope", "e-mail", "love letter", "inbox tray", "outbox tray", "incoming envelope"),
    ("pencil", "pen", "fountain pen", "black nib", "paintbrush", "crayon"),
    ("calendar", "tear-off calendar", "spiral calendar"),
    ("file folder", "open file folder", "card file box", "file cabinet"),
    ("pushpin", "round pushpin"),
    ("locked", "unlocked"),
    ("key", "old key"),
    ("kitchen knife", "dagger", "crossed swords"),
    ("hammer", "pick", "axe"),
    ("guitar", "violin", "banjo"),
    ("soccer ball", "volleyball", "baseball", "softball"),
    ("american football", "rugby football"),
    ("tennis", "badminton", "ping pong"),
    ("field hockey", "ice hockey", "cricket game"),
    ("microphone", "studio microphone"),
    ("musical note", "musical notes", "musical score"),
    ("battery", "low battery"),
    ("alarm clock", "watch", "stopwatch", "timer clock", "mantelpiece clock"),
    ("hourglass done", "hourglass not done"),
    ("top hat", "woman's hat", "billed cap"),
    ("bed", "couch and lamp"),
    ("ring", "gem stone", "prayer beads"),
)
#: Not one thing with one shape: some vendors draw a sign, a scene, a person or a word.
_NO_SHAPE: tuple[str, ...] = (
    "hot springs", "ski", "goal net", "link", "chains", "film frames", "level slider", "control knobs", "elevator",
    "hole", "construction", "wheel", "railway track", "motorway", "oil drum", "seat", "fuel pump", "children crossing", "placard",
    "funeral urn", "martial arts uniform", "window", "coin", "label", "trackball", "videocassette", "shower",
    "skis", "diving mask", "linked paperclips", "barber pole", "brick", "rock", "wood", "tokyo tower",
    "statue of liberty", "shinto shrine", "kaaba", "hindu temple", "airplane departure", "airplane arrival",
    "oncoming bus", "oncoming taxi", "oncoming automobile", "oncoming police car", "meat on bone", "chestnut",
    "honey pot", "custard", "love hotel", "snowman without snow", "no entry", "police car light", "bacon",
    "ballot box with ballot", "pound banknote", "mountain railway", "bookmark", "oden", "sunset",
)  # fmt: skip


def load_rows(root: Path) -> list[Row]:
    """Caption rows of a data folder, in the order of its captions.jsonl.gz.

    Every row has: set, file, codepoint, name, group, subgroup, caption; `core` and `caption_long` are filled in
    (False, the caption) where the file leaves them out. Raises FileNotFoundError when there is no captions file.
    """
    rows: list[Row] = []
    with gzip.open(root / "captions.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row: Row = json.loads(line)
            row.setdefault("core", False)
            row.setdefault("caption_long", row["caption"])
            rows.append(row)
    return rows


def is_test_subject(name: str) -> bool:
    """True for the fifth of all subjects that no LoRA is ever trained on; depends on the name alone."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 5 == 0


def _words(name: str) -> set[str]:
    small = {"with", "of", "and", "the", "in", "on", "at", "red", "hot", "face", "done"}
    return {word for word in name.replace("-", " ").split() if word not in small}


def core_200(rows: list[Row], count: int = 200) -> list[str]:
    """The common subjects, by rule: things with one shape, drawn by all large vendors, no two of them alike.

    Most widely drawn first, ties by a hash of the name; returned sorted by name. Raises ValueError when fewer
    than `count` subjects qualify (an incomplete data folder).
    """
    sets: dict[str, set[str]] = {}
    info: dict[str, Row] = {}
    for row in rows:
        sets.setdefault(row["name"], set()).add(row["set"])
        if row["core"]:
            info[row["name"]] = row
    fits = [
        name
        for name, row in info.items()
        if row["group"] in _GROUPS
        and (row["subgroup"] not in _SUBGROUPS_OUT or name in _KEPT)
        and name not in _NO_SHAPE
        and all(vendor in sets[name] for vendor in _REQUIRED)
    ]
    fits.sort(key=lambda name: (-len(sets[name]), hashlib.sha256(name.encode()).hexdigest()))
    lookalike = {name: index for index, group in enumerate(_LOOKALIKES) for name in group}
    chosen: list[str] = []
    used_words: set[str] = set()
    used_groups: set[int] = set()
    for name in fits:
        group = lookalike.get(name)
        if group in used_groups or _words(name) & used_words:
            continue
        chosen.append(name)
        used_words |= _words(name)
        if group is not None:
            used_groups.add(group)
        if len(chosen) == count:
            return sorted(chosen)
    raise ValueError(f"only {len(chosen)} of {count} common subjects found: is the data folder complete?")
