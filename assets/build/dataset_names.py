"""What each emoji shows in words: names, groups, keywords, captions, from `emojibase-data` and `emojilib`."""

import json
import re
from pathlib import Path
from typing import Any

#: Subgroups of signs, letters and families: not among the core subjects.
_NOT_CORE = frozenset(
    (
        "transport-sign", "arrow", "av-symbol", "math", "punctuation", "currency", "other-symbol", "keycap",
        "alphanum", "gender", "family",
    )
)  # fmt: skip
_NOT_CORE_NAMES = re.compile(r"^kiss|^couple|^family|japanese|facing right|o'clock|-thirty|dancing|headscarf")
_LEFT_OUT_GROUPS = frozenset({"component"})
_LEFT_OUT_SUBGROUPS = frozenset({"country-flag", "subdivision-flag"})
_GROUP_TITLES = {
    "smileys-emotion": "Smileys & Emotion",
    "people-body": "People & Body",
    "animals-nature": "Animals & Nature",
    "food-drink": "Food & Drink",
    "travel-places": "Travel & Places",
    "activities": "Activities",
    "objects": "Objects",
    "symbols": "Symbols",
    "flags": "Flags",
}
_GROUP_WORDS = {
    "Smileys & Emotion": "emotion",
    "People & Body": "person",
    "Animals & Nature": "nature",
    "Food & Drink": "food",
    "Travel & Places": "place",
    "Activities": "activity",
    "Objects": "object",
    "Symbols": "symbol",
    "Flags": "flag",
}
#: Names that take no article though they are no plurals, and names in -s that take one.
_NO_ARTICLE = frozenset(
    (
        "american football", "aquarius", "bacon", "badminton", "baseball", "basketball", "bowling",
        "bread", "butter", "cancer", "capricorn", "cooked rice", "cricket", "cricket game", "dango",
        "field hockey", "fire", "fog", "garlic", "gemini", "ginger root", "honey pot", "ice",
        "ice hockey", "lacrosse", "leo", "libra", "mate", "men wrestling", "oden", "ophiuchus",
        "people hugging", "people wrestling", "ping pong", "popcorn", "rock", "rugby football",
        "sagittarius", "sake", "salt", "scorpio", "soap", "spaghetti", "sushi", "taurus", "virgo",
        "volleyball", "water wave", "wind face", "women wrestling", "wood",
    )
)  # fmt: skip
_ARTICLE = frozenset(
    (
        "fleur-de-lis", "lotus", "minus", "mrs. claus", "plus", "rhinoceros", "santa claus", "skis",
        "woman's clothes",
    )
)  # fmt: skip
_PREPOSITION = re.compile(
    r" (?:with|of|in|over|showing|and|holding|blowing|lifting|without|under) |(?<=skull) and "
)
_SPOKEN_AS_CONSONANT = re.compile(r"^(?:eu|uni|one\b|one-)")
_PLURAL_HEADS = frozenset({"people", "men", "women", "busts"})


def codepoint_key(code: str) -> str:
    """`1F469-200D-1F680` or `2764-FE0F` -> lower case without the picture selector FE0F and leading zeros."""
    return "-".join(f"{int(part, 16):x}" for part in code.split("-") if part.lower() != "fe0f")


def key_of_text(text: str) -> str:
    """The same key for an emoji given as text."""
    return codepoint_key("-".join(f"{ord(character):x}" for character in text))


def plain_name(label: str) -> str:
    """Emojibase's label as words: lower case, straight quotes, no colons."""
    name = label.lower().replace("’", "'").replace("“", "").replace("”", "")
    head, colon, rest = name.partition(": ")
    if not colon:
        return name
    if head == "keycap":
        return f"keycap {rest}".rstrip("#*")
    if rest == "facing right":
        return f"{head} {rest}"
    if head in {"man", "woman", "person"}:
        return f"{head} with {'bald head' if rest == 'bald' else rest}"
    return f"{head} of {rest}"


def caption(name: str, subgroup: str) -> str:
    """The name with its article, as a person would prompt it."""
    if subgroup == "time" and re.search(r"o'clock$|-thirty$", name):
        return f"a clock showing {name}"
    head = _PREPOSITION.split(name)[0]
    plural = head.split()[0] in _PLURAL_HEADS or (head.endswith("s") and not head.endswith(("ss", "us")))
    if name not in _ARTICLE and (name in _NO_ARTICLE or plural):
        return name
    vowel = name[0] in "aeiou" and not _SPOKEN_AS_CONSONANT.match(name)
    return f"{'an' if vowel else 'a'} {name}"


def keywords(name: str, candidates: list[str]) -> list[str]:
    """At most ten words that the name does not hold already, in the given order."""
    kept: list[str] = []
    for word in candidates:
        word = word.replace("_", " ")
        if word.lower() not in name and word not in kept:
            kept.append(word)
    return kept[:10]


def emoji_facts(emojibase: Path, emojilib: Path) -> dict[str, dict[str, Any]]:
    """Facts by codepoint key, in Unicode's order, for all emoji but country flags, skin tones and letters.

    Each holds codepoint, name, group, subgroup, gendered, core, keywords, caption, caption_long. The folders
    are the unpacked packages. Raises FileNotFoundError when they are not.
    """
    entries = json.loads((emojibase / "en" / "data.json").read_text(encoding="utf-8"))
    meta = json.loads((emojibase / "meta" / "groups.json").read_text(encoding="utf-8"))
    words = json.loads((emojilib / "dist" / "emoji-en-US.json").read_text(encoding="utf-8"))
    tags = {key_of_text(text): found for text, found in words.items()}
    facts: dict[str, dict[str, Any]] = {}
    for entry in sorted(entries, key=lambda e: e.get("order", 0)):
        group = meta["groups"].get(str(entry.get("group")), "component")
        subgroup = meta["subgroups"].get(str(entry.get("subgroup")), "")
        if group in _LEFT_OUT_GROUPS or subgroup in _LEFT_OUT_SUBGROUPS:
            continue
        key, name, title = codepoint_key(entry["hexcode"]), plain_name(entry["label"]), _GROUP_TITLES[group]
        gendered = "200d" in key.split("-") and name.startswith(("man ", "woman ", "men ", "women "))
        signs = (subgroup in _NOT_CORE and name != "people holding hands") or title == "Flags"
        found = keywords(name, [*entry.get("tags", []), *tags.get(key, [])])
        short = caption(name, subgroup)
        facts[key] = {
            "codepoint": key,
            "name": name,
            "group": title,
            "subgroup": subgroup,
            "gendered": gendered,
            "core": not gendered and not signs and not _NOT_CORE_NAMES.search(name),
            "keywords": found,
            "caption": short,
            "caption_long": ", ".join([short, _GROUP_WORDS[title], *found[:3]]),
        }
    return facts
