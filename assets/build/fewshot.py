"""Choose the small picture sets for few-shot training: OUT/<style>/{train,test}/NN-<slug>.webp and .txt.

Forty pictures for each style that neither the base nor any shipped LoRA has seen: twenty to learn and
validate on, twenty of other subjects for testing. Whole vendors, and two image-made styles.
"""

import argparse
import hashlib
import re
import shutil
from pathlib import Path

from dataset_packs import PACKS
from PIL import Image
from styles import apply_style
from subjects import FEWSHOT_SETS, FEWSHOT_STYLES, STYLE_SOURCES, Row, core_200, is_test_subject, load_rows

PER_PART = 20
QUALITY = 90
#: The words that name each style at the end of a caption.
TRIGGERS: dict[str, str] = {
    "streamline-emojis": "streamline style",
    "game-icons": "game icons style",
    "p-ph-duotone": "duotone style",
    "p-icon-park": "icon park style",
    "stained-glass": "stained glass style",
    "mosaic": "mosaic style",
}
#: Links of the licences named in ATTRIBUTION.md.
LICENCE_LINKS: dict[str, str] = {
    "CC-BY-3.0": "https://creativecommons.org/licenses/by/3.0/",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "MIT": "https://opensource.org/license/mit",
    "Apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
}


def order(name: str) -> str:
    """A fixed shuffle."""
    return hashlib.sha256(f"few-shot {name}".encode()).hexdigest()


def choose(rows: list[Row], core: list[str]) -> tuple[list[Row], list[Row]]:
    """Twenty rows to learn from and twenty of test subjects: common subjects first, of many subgroups.

    Raises ValueError when a set holds too few drawable subjects.
    """
    common = set(core)
    groups = {"Animals & Nature", "Food & Drink", "Travel & Places", "Activities", "Objects"}
    one_each = {row["name"]: row for row in rows if row["name"] in common or row["group"] in groups}
    parts: list[list[Row]] = []
    for test in (False, True):
        pool = [row for name, row in one_each.items() if is_test_subject(name) == test]
        seen: dict[str, int] = {}
        ranked: list[tuple[bool, int, str]] = []
        for row in sorted(pool, key=lambda row: order(row["name"])):
            seen[row["subgroup"]] = seen.get(row["subgroup"], 0) + 1
            ranked.append((row["name"] not in common, seen[row["subgroup"]], row["name"]))
        if len(ranked) < PER_PART:
            raise ValueError(f"only {len(ranked)} subjects for {'test' if test else 'train'}")
        parts.append([one_each[name] for _, _, name in sorted(ranked)[:PER_PART]])
    return parts[0], parts[1]


def write(rows: list[Row], data: Path, folder: Path, style: str) -> None:
    """Write the pictures (styled if `style` is an image-made one) and captions of one part."""
    folder.mkdir(parents=True)
    for number, row in enumerate(rows, start=1):
        image = Image.open(data / row["set"] / row["file"]).convert("RGB")
        if style in FEWSHOT_STYLES:
            image = apply_style(style, image, number)
        stem = f"{number:02}-{re.sub(r'[^a-z0-9]+', '-', row['name']).strip('-')}"
        image.save(folder / f"{stem}.webp", quality=QUALITY, method=6)
        (folder / f"{stem}.txt").write_text(f"{row['caption']}, {TRIGGERS[style]}\n", encoding="utf-8")


def attribution() -> str:
    """The text of ATTRIBUTION.md."""
    lines = [
        "# Pictures for few-shot training",
        "",
        "Forty captioned pictures of 128x128 for each style: `train/` (20, to learn and validate on) and",
        "`test/` (20, of other subjects). Neither the demo model nor any LoRA in `assets/demo/loras` was",
        "trained on these styles. Made by `assets/build/fewshot.py`: drawings were scaled, set on white and",
        "saved as WebP; those of `stained-glass` and `mosaic` were redrawn by `assets/build/styles.py`.",
        "The icons of `game-icons` are by Lorc, Delapouite and others: https://game-icons.net/about.html#authors",
        "",
        "| folder | drawings by | licence |",
        "|---|---|---|",
    ]
    for style in TRIGGERS:
        for source in STYLE_SOURCES if style in FEWSHOT_STYLES else (style,):
            pack = PACKS[source]
            page = f"https://www.npmjs.com/package/{pack.package}"
            link = LICENCE_LINKS[pack.licence]
            lines.append(
                f"| `{style}` | [{pack.author}]({page}) | [{pack.licence}]({link}), changed as said above |"
            )
    return "\n".join([*lines, ""])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="data folder: <set>/<file>.webp, captions.jsonl.gz"
    )
    parser.add_argument("--out", type=Path, default=Path("assets/demo/images"))
    args = parser.parse_args()
    rows = load_rows(args.data)
    core = core_200(rows)
    for style in (*FEWSHOT_SETS, *FEWSHOT_STYLES):
        mine = [row for row in rows if row["set"] == style]
        if style in FEWSHOT_STYLES:
            by_set = {s: {row["name"]: row for row in rows if row["set"] == s} for s in STYLE_SOURCES}
            turn = {name: STYLE_SOURCES[number % len(STYLE_SOURCES)] for number, name in enumerate(core)}
            mine = [by_set[source][name] for name, source in turn.items()]
        learn, test = choose(mine, core)
        if (args.out / style).exists():
            shutil.rmtree(args.out / style)
        write(learn, args.data, args.out / style / "train", style)
        write(test, args.data, args.out / style / "test", style)
        print(f"{style}: {len(learn)} to learn from, {len(test)} to test on")
    (args.out / "ATTRIBUTION.md").write_text(attribution(), encoding="utf-8")


if __name__ == "__main__":
    main()
