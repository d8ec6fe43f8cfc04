"""Kill -9 at random moments: `python -m tests.kills --times 200` prints a table, and fails where anything is lost."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import torch

from eigenlorax.library.effects import FILE_NAME, save_effects
from eigenlorax.runtime.sdxl import load_base
from tests import tiny
from tests.kills.run import Killed, alone, killed, seen
from tests.kills.works import CPU, WORKS, prepared


def main() -> int:
    """Run, print, write; 1 where anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument(
        "--times", type=int, default=200, help="of all commands together (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    parser.add_argument("--minutes", type=float, default=600.0, help="stop after so many (default: 600)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        found = list(_kills(given.times, Random(given.seed), given.minutes, Path(scratch)))
    rows = [_told(work, [one for one in found if one.work == work]) for work in WORKS]
    print(table(rows))
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    return int(any(row["faults"] for row in rows))


def _kills(times: int, chance: Random, minutes: float, scratch: Path) -> Sequence[Killed]:
    tiny.pipeline(scratch / "parts").save_pretrained(scratch / "model")
    base = load_base(str(scratch / "model"), CPU)
    save_effects(dict.fromkeys(base.layout, 1.0), scratch / "model" / FILE_NAME)
    ground = prepared(scratch / "model", base, scratch)
    before, data, found = seen(ground), scratch / "home", []
    lasts = {work: alone(work, ground, data) for work in WORKS}
    deadline = time.monotonic() + 60 * minutes
    for number in range(times):
        work = list(WORKS)[number % len(WORKS)]
        if time.monotonic() > deadline:
            break
        # Somewhat beyond its end as well: the last step is the one that makes the new version the open one.
        one = killed(work, chance.uniform(0, 1.15 * lasts[work]), ground, before, data)
        found.append(one)
        for fault in one.faults:
            print(f"{work} after {one.after_s:.3f} s: {fault}", flush=True)
    return found


def _told(work: str, found: Sequence[Killed]) -> dict[str, object]:
    return {
        "command": work,
        "kills": len(found),
        "in the middle": sum(not one.was_done for one in found),
        "left half-written": sum(one.left > 0 for one in found),
        "latest_s": round(max((one.after_s for one in found), default=0.0), 2),
        "faults": [fault for one in found for fault in one.faults],
    }


def table(rows: Sequence[dict[str, object]]) -> str:
    """The figures in Markdown."""
    heads = ("command", "kills", "in the middle", "left half-written", "latest_s")
    lines = [f"| {' | '.join((*heads, 'faults'))} |", "|---|" + "--:|" * len(heads)]
    for row in rows:
        faults = row["faults"]
        assert isinstance(faults, list)
        lines.append(f"| {' | '.join(str(row[head]) for head in heads)} | {len(faults)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
