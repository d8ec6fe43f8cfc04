"""Render the picture sets from their npm packages: OUT/<set>/<file>.webp, captions.jsonl.gz, sets.json.

Needs `npm` on the PATH (packages are fetched by name with `npm pack` into PACKAGES, once). Takes some 20
minutes on two CPU cores. `--compare DIR` measures agreement with another data folder instead of rendering.
"""

import argparse
import gzip
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from dataset_names import emoji_facts
from dataset_packs import CHAR_PACKAGES, EMOJI_NAMES, NAME_PACKAGES, PACKS, Pack, drawings, icon_codes, place
from PIL import Image
from subjects import load_rows

TABLE = Path(__file__).with_name("dataset_icons.tsv")
QUALITY = 88


def fetch(package: str, store: Path) -> Path:
    """The unpacked folder of an npm package, fetched by name unless kept. Raises CalledProcessError."""
    folder = store / package.strip("@").replace("/", "-")
    if not (folder / "package").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", "--silent", "--pack-destination", str(folder), package]
        archive = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]
        with tarfile.open(folder / archive) as packed:
            packed.extractall(folder, filter="data")
        (folder / archive).unlink()
    return folder / "package"


def render_set(
    name: str,
    pack: Pack,
    folder: Path,
    facts: dict[str, dict[str, Any]],
    table: list[tuple[str, str, str]],
    out: Path,
) -> list[dict[str, Any]]:
    """Draw one set into out/<name> and return its caption rows; emoji without facts are left out."""
    (out / name).mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for key, stem, drawing in drawings(pack, folder, table, facts):
        place(drawing).save(out / name / f"{stem}.webp", quality=QUALITY, method=4)
        row = {"set": name, "file": f"{stem}.webp", **facts[key]}
        if name.startswith("p-"):
            words = stem.removesuffix(pack.suffix).split("-")
            kept = ("set", "file", "codepoint", "name", "group", "subgroup")
            row = {k: row[k] for k in kept} | {"keywords": words, "caption": row["caption"]}
        rows.append(row)
    order = {key: number for number, key in enumerate(facts)}
    return sorted(rows, key=lambda row: (order[row["codepoint"]], row["file"]))


def icon_table(store: Path) -> list[tuple[str, str, str]]:
    """Rows (pack, icon, codepoint key): the names that other packages know, then dataset_icons.tsv."""
    rows = [(EMOJI_NAMES, *pair) for package in CHAR_PACKAGES for pair in icon_codes(fetch(package, store))]
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        pack, icon, key = line.split("\t")
        rows.append((pack, icon, key))
    return rows


def render(out: Path, store: Path, names: list[str]) -> None:
    """Render the named sets into `out`; captions and facts of other sets that lie there already are kept."""
    emojibase, emojilib = (fetch(package, store) for package in NAME_PACKAGES)
    facts = emoji_facts(emojibase, emojilib)
    table = icon_table(store)
    for name in names:
        pack = PACKS[name]
        folder = fetch(pack.package, store)
        mine = render_set(name, pack, folder, facts, table, out)
        version = json.loads((folder / "package.json").read_text(encoding="utf-8"))["version"]
        about = {"licence": pack.licence, "author": pack.author, "source": f"npm {pack.package} {version}"}
        keep(out, name, mine, {"count": len(mine), **about})
        print(f"{name}: {len(mine)} pictures ({pack.package} {version})", flush=True)


def keep(out: Path, name: str, mine: list[dict[str, Any]], about: dict[str, Any]) -> None:
    """Put one set's rows and facts into captions.jsonl.gz and sets.json, in place of what they said of it."""
    captions, sets_file = out / "captions.jsonl.gz", out / "sets.json"
    rows: list[dict[str, Any]] = []
    sets: dict[str, Any] = {}
    if captions.exists():
        lines = gzip.decompress(captions.read_bytes()).decode().splitlines()
        rows = [row for row in map(json.loads, lines) if row["set"] != name]
        sets = json.loads(sets_file.read_text(encoding="utf-8"))
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in [*rows, *mine])
    captions.write_bytes(gzip.compress(text.encode(), mtime=0))
    sets_file.write_text(json.dumps(sets | {name: about}, indent=1) + "\n", encoding="utf-8")


def agreement(one: Path, other: Path) -> None:
    """Print for each set: pictures in both, in one only, and the PSNR between the two where both have it."""
    tables = [{(row["set"], row["file"]): row for row in load_rows(folder)} for folder in (one, other)]
    for name in sorted({key[0] for key in tables[0]}):
        files = [{key[1] for key in table if key[0] == name} for table in tables]
        both = sorted(files[0] & files[1])
        scores = [psnr(one / name / file, other / name / file) for file in both]
        same = sum(tables[0][name, file]["caption"] == tables[1][name, file]["caption"] for file in both)
        marks = np.percentile(scores, (5, 50)) if scores else (float("nan"), float("nan"))
        print(
            f"{name:27} both {len(both):5}  only here {len(files[0] - files[1]):4}  only there"
            f" {len(files[1] - files[0]):4}  PSNR median {marks[1]:5.1f} dB, 5% below {marks[0]:5.1f} dB"
            f"  same caption {same}"
        )


def psnr(one: Path, other: Path) -> float:
    """Peak signal-to-noise ratio of two pictures in dB, at most 99."""
    first, second = (np.asarray(Image.open(path).convert("RGB"), dtype=np.float64) for path in (one, other))
    error = float(((first - second) ** 2).mean())
    return 99.0 if error == 0 else min(99.0, 10 * float(np.log10(255**2 / error)))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="data folder to write (or to compare)")
    parser.add_argument(
        "--packages", type=Path, default=Path("build-data/npm"), help="where packages are kept"
    )
    parser.add_argument("--sets", nargs="*", default=list(PACKS), choices=list(PACKS), metavar="SET")
    parser.add_argument("--compare", type=Path, help="another data folder to compare OUT with")
    args = parser.parse_args()
    if args.compare:
        agreement(args.out, args.compare)
    else:
        render(args.out, args.packages, args.sets)


if __name__ == "__main__":
    main()
