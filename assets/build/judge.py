"""Score generated pictures: is it the subject, is it the style? A judge fitted on real pictures only.

`fit` looks at the real pictures and writes the heads; `score` judges a folder of generated pictures and
prints, for every style, how often subject and style are named right, and how often they are on real pictures
of the same subjects and style which the judge was not fitted on.
"""

import argparse
import json
import time
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from judge_blocks import block_statistics
from judge_fit import fit_judge
from judge_heads import Judge, Table, Verdict, load_judge
from judge_net import Bytes, Eyes, Features, join
from judge_pictures import BASE_LOOK, Item, gather, plain_items, see, styled_items, vendor_items
from PIL import Image
from styles import STYLES
from subjects import core_200, load_rows

Shares = dict[str, float | int]


def real_pictures(eyes: Eyes, data: Path, cache: Path) -> tuple[Table, list[str]]:
    """All real pictures that the judge knows, with features, and the common subjects."""
    rows = load_rows(data)
    core = core_200(rows)
    groups = {"plain": plain_items(rows, core), "vendors": vendor_items(rows, core)}
    groups |= {f"style-{name}": styled_items(rows, core, name) for name in STYLES}
    items: list[Item] = []
    features, blocks = [], []
    for name, group in groups.items():
        seen, statistics = gather(eyes, data, group, cache / f"{name}.npz")
        items += group
        features.append(seen)
        blocks.append(statistics)
    return Table(items, join(features), np.concatenate(blocks)), core


def shares(verdict: Verdict, rows: np.typing.NDArray[np.bool_]) -> Shares:
    """How often subject, style and both are right among the rows."""
    subject, style = verdict.subject[rows], verdict.style[rows]
    return {
        "n": int(rows.sum()),
        "subject": float(subject.mean()),
        "style": float(style.mean()),
        "both": float((subject & style).mean()),
    }


def compare(
    judge: Judge, verdict: Verdict, subjects: list[str], looks: list[str]
) -> dict[str, dict[str, Any]]:
    """For each look: generated, real and their quotients; "all styles" pools all but the base.

    Real shares are averaged over subjects with the weights of the generated pictures, so that both speak of
    the same subjects. Raises ValueError when a look has no real reference of any of the subjects.
    """
    table: dict[str, dict[str, Any]] = {}
    wanted, names = np.array(looks), np.array(subjects)
    for look in sorted(set(looks)):
        rows = wanted == look
        table[look] = {"generated": shares(verdict, rows), "real": real_shares(judge, look, names[rows])}
    styled = [entry for look, entry in table.items() if look != BASE_LOOK]
    if styled:
        table["all styles"] = {key: pooled([entry[key] for entry in styled]) for key in ("generated", "real")}
    for entry in table.values():
        entry["quotient"] = {
            key: entry["generated"][key] / max(entry["real"][key], 1e-9)
            for key in ("subject", "style", "both")
        }
    return table


def real_shares(judge: Judge, look: str, subjects: np.typing.NDArray[np.str_]) -> Shares:
    """The judge's shares on real pictures of this look, weighted like the generated pictures' subjects."""
    here = judge.reference["look"] == look
    parts, weights, count = [], [], 0
    for name in np.unique(subjects):
        rows = here & (judge.reference["subject"] == name)
        if rows.any():
            parts.append(shares(judge.reference_verdict, rows))
            weights.append(int((subjects == name).sum()))
            count += int(rows.sum())
    if not parts:
        raise ValueError(f"no real reference pictures of {look!r} for these subjects")
    mean = {
        key: float(np.average([p[key] for p in parts], weights=weights))
        for key in ("subject", "style", "both")
    }
    return {"n": count, **mean}


def pooled(parts: list[Shares]) -> Shares:
    """Mean over styles, each counted once; n is the sum."""
    return {
        "n": sum(int(part["n"]) for part in parts),
        **{key: float(np.mean([part[key] for part in parts])) for key in ("subject", "style", "both")},
    }


def print_table(table: dict[str, dict[str, Any]]) -> None:
    """A line for each look: generated / real for subject and style, and the quotients."""
    print(f"{'look':28} {'n':>5}  subject gen/real   quot   style gen/real   quot   both quot")
    for look, entry in table.items():
        made, real, part = entry["generated"], entry["real"], entry["quotient"]
        print(
            f"{look:28} {made['n']:5}   {made['subject']:.3f} / {real['subject']:.3f}   {part['subject']:.3f}"
            f"   {made['style']:.3f} / {real['style']:.3f}   {part['style']:.3f}   {part['both']:.3f}"
        )


def run_fit(args: argparse.Namespace) -> None:
    """Fit the heads, print the shares on the real reference pictures."""
    table, core = real_pictures(Eyes(args.device), args.data, args.cache)
    judge = fit_judge(table, core)
    judge.save(args.out)
    looks = judge.reference["look"]
    for look in np.unique(looks):
        real = shares(judge.reference_verdict, looks == look)
        print(f"{look:28} {real['n']:5}  subject {real['subject']:.3f}  style {real['style']:.3f}")
    for kind, rows in (("base", looks == BASE_LOOK), ("styles", np.isin(looks, list(STYLES)))):
        print(f"{kind} together: {shares(judge.reference_verdict, rows)}")
    print(f"pixel: flatness above {judge.pixel_limits[0]:.4f}, off palette below {judge.pixel_limits[1]:.1f}")


def see_all(eyes: Eyes, pictures: Bytes, looks: list[str]) -> Features:
    """Features of pictures of several looks, in their order."""
    order = sorted(range(len(looks)), key=lambda number: looks[number])
    parts = [
        see(eyes, pictures[list(rows)], look)
        for look, rows in groupby(order, key=lambda number: looks[number])
    ]
    return join(parts).rows(np.argsort(order))


def run_score(args: argparse.Namespace) -> None:
    """Judge the manifest's pictures, print the table, write JSON."""
    start = time.time()
    judge = load_judge(args.heads)
    lines = args.manifest.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    pictures = [Image.open(args.pictures / row["file"]).convert("RGB").resize((128, 128)) for row in rows]
    stack = np.stack([np.asarray(picture, dtype=np.uint8) for picture in pictures])
    subjects = [row["subject"] for row in rows]
    looks = [row["style"] or BASE_LOOK for row in rows]
    features = see_all(Eyes(args.device), stack, looks)
    verdict = judge.verdict(features, block_statistics(stack), subjects, looks)
    table = compare(judge, verdict, subjects, looks)
    print_table(table)
    print(f"{len(rows)} pictures in {time.time() - start:.0f} s")
    if args.json:
        args.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    fit = commands.add_parser("fit", help="fit the heads on real pictures")
    fit.add_argument(
        "--data", type=Path, required=True, help="data folder: <set>/<file>.webp, captions.jsonl.gz"
    )
    fit.add_argument("--cache", type=Path, required=True, help="folder for features of real pictures")
    fit.add_argument("--out", type=Path, required=True, help="heads.npz to write")
    fit.set_defaults(run=run_fit)
    score = commands.add_parser("score", help="judge generated pictures")
    score.add_argument("--heads", type=Path, required=True)
    score.add_argument("--pictures", type=Path, required=True, help="folder of the generated pictures")
    score.add_argument(
        "--manifest", type=Path, required=True, help="JSON lines: file, subject, style (null: base)"
    )
    score.add_argument("--json", type=Path, help="write the table here too")
    score.set_defaults(run=run_score)
    for command in (fit, score):
        command.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
