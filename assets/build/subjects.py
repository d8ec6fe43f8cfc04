"""Subjects and picture sets: captions, the split of the subjects, the common subjects, the roles of the sets.

Every program that makes or measures the demo model uses it, so that all agree on what is train and test.
"""

import argparse
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

from subjects_lists import GROUPS, KEPT, LOOKALIKES, NO_SHAPE, SUBGROUPS_OUT

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

#: Coloured sets of the base from which the pictures in image-made styles are made.
STYLE_SOURCES: tuple[str, ...] = ("twemoji", "noto", "noto-v1", "emojione")

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


def load_rows(root: Path) -> list[Row]:
    """Caption rows of a data folder, in the order of its captions.jsonl.gz.

    Every row has set, file, codepoint, name, group, subgroup, caption; `core` (False) and `caption_long` (the
    caption) are filled in where the file leaves them out. Raises FileNotFoundError without a captions file.
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
        if row["group"] in GROUPS
        and (row["subgroup"] not in SUBGROUPS_OUT or name in KEPT)
        and name not in NO_SHAPE
        and all(vendor in sets[name] for vendor in _REQUIRED)
    ]
    fits.sort(key=lambda name: (-len(sets[name]), hashlib.sha256(name.encode()).hexdigest()))
    lookalike = {name: index for index, group in enumerate(LOOKALIKES) for name in group}
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


def main() -> None:
    """Print the common subjects, one `name<TAB>caption` a line, for train_loras.py."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True, help="data folder with captions.jsonl.gz")
    rows = load_rows(parser.parse_args().data)
    captions = {row["name"]: row["caption"] for row in reversed(rows)}
    print("\n".join(f"{name}\t{captions[name]}" for name in core_200(rows)))


if __name__ == "__main__":
    main()
