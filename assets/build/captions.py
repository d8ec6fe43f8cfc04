"""Captions for the base model: the same subject said in several ways, always true to the picture.

Words that no caption uses are added now and then ("…, tangram style"), so that the base learns to leave a style word
it does not know aside; a LoRA's trigger then disturbs nothing.
"""

import json
import random
from collections.abc import Sequence
from pathlib import Path

from looks import NAMES
from subjects import Row

SET_WORDS = {
    "noto": "glossy emoji",
    "noto-v1": "rounded emoji",
    "twemoji": "flat emoji",
    "emojione": "classic emoji",
    "fxemoji": "simple emoji",
}
LINE_WORDS = {"emojione-monotone": "black icon", "p-tabler-outline": "line icon"}
_STARTS = ("a picture of", "an emoji of", "an icon of", "a drawing of", "an illustration of")
_ENDS = ("simple background", "centered", "high quality", "digital art", "clean")


def spare_words(vocabulary: Path, rows: Sequence[Row]) -> list[str]:
    """Whole words of the vocabulary that no caption or colour uses."""
    used = {word for row in rows for word in f"{row['caption']} {' '.join(row['keywords'])}".lower().split()}
    used |= {word for name in NAMES for word in name.split()}
    words = [token[:-4] for token in json.loads(vocabulary.read_text()) if token.endswith("</w>")]
    return sorted(word for word in words if len(word) > 3 and word.isalpha() and word not in used)


def caption(row: Row, look: str, spare: Sequence[str], chance: random.Random) -> str:
    """One caption for the row's picture under the look whose words are `look` ("" for as drawn)."""
    draw = chance.random()
    if draw < 0.62:
        text = row["caption"]
    elif draw < 0.72:
        text = row["name"]
    elif draw < 0.84:
        text = row.get("caption_long", row["caption"])
    else:
        extra = chance.sample(row["keywords"], k=min(len(row["keywords"]), chance.randint(1, 2)))
        text = ", ".join([row["caption"], *extra])
    if chance.random() < 0.1 and not row["set"].startswith("p-"):
        text = f"{chance.choice(_STARTS)} {text}"
    parts = [text]
    if row["set"] in LINE_WORDS:
        parts.append(LINE_WORDS[row["set"]])
    elif chance.random() < 0.35:
        parts.append(SET_WORDS[row["set"]])
    if look:
        parts.append(look)
    elif row["set"] not in LINE_WORDS and chance.random() < 0.12:
        parts.append("on a white background")
    if chance.random() < 0.18:
        parts.append(f"{chance.choice(spare)} style")
    if chance.random() < 0.06:
        parts.append(chance.choice(_ENDS))
    return ", ".join(parts)
