"""The long run: `python -m tests.fuzz --cases 20000 --json FILE` prints a table, and fails where a wall has a hole.

Each parser gets its share of the cases. A case that failed is run again by `--parser NAME --case NUMBER`.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from eigenlorax.runtime.hardware import Hardware
from eigenlorax.runtime.sdxl import load_base
from tests import tiny
from tests.fuzz.ground import Ground
from tests.fuzz.parser import Parser
from tests.fuzz.parsers import PARSERS
from tests.fuzz.run import Case, run_case
from tests.fuzz.watch import pickles_refused

import torch  # isort: skip

MOST_CPU_S, MIB = 1.0, 1 << 20
MOST_BYTES = 64 * MIB
_WARMING = 20


def main() -> int:
    """Run, print, write; 1 where any case failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument(
        "--cases", type=int, default=20_000, help="of all parsers together (default: %(default)s)"
    )
    parser.add_argument(
        "--first", type=int, default=0, help="number of each parser's first case (default: 0)"
    )
    parser.add_argument("--parser", action="append", default=[], help="only this one; may be given again")
    parser.add_argument("--case", type=int, help="only this one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    given = parser.parse_args()
    torch.set_num_threads(1)
    chosen = [one for one in PARSERS if not given.parser or one.name in given.parser]
    numbers = range(given.first, given.first + max(1, given.cases // len(chosen)))
    if given.case is not None:
        numbers = range(given.case, given.case + 1)
    with tempfile.TemporaryDirectory() as scratch, pickles_refused():
        ground = made_ground(Path(scratch))
        rows = [told(list(cases(one, ground, numbers, Path(scratch) / "home"))) for one in chosen]
    print(table(rows))
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    return int(any(row["faults"] for row in rows))


def made_ground(scratch: Path) -> Ground:
    """A tiny model of its own to stand on."""
    tiny.pipeline(scratch / "parts").save_pretrained(scratch / "model")
    return Ground(
        load_base(str(scratch / "model"), Hardware(torch.device("cpu"), torch.float32, "CPU")), scratch
    )


def cases(parser: Parser, ground: Ground, numbers: Sequence[int], folder: Path) -> Iterator[Case]:
    """The cases of one parser, those that failed told at once; what is loaded at first use is not measured."""
    for number in range(-min(_WARMING, len(numbers)), 0):
        run_case(parser, ground, number, folder)
    started = time.monotonic()
    for number in numbers:
        case = run_case(parser, ground, number, folder)
        for fault in case.faults:
            print(f"{parser.name} {number}: {fault}", flush=True)
        yield case
    print(
        f"{parser.name}: {len(numbers)} cases in {time.monotonic() - started:.0f} s",
        file=sys.stderr,
        flush=True,
    )


def told(found: Sequence[Case]) -> dict[str, object]:
    """The figures of one parser."""
    times = sorted(case.cpu_s for case in found)
    faults = [f"case {case.number}: {fault}" for case in found for fault in case.faults]
    faults += [f"case {case.number}: {case.cpu_s:.2f} s" for case in found if case.cpu_s > MOST_CPU_S]
    faults += [
        f"case {case.number}: {case.peak_bytes / MIB:.0f} MiB for {case.decoded_bytes:,} bytes"
        for case in found
        if case.peak_bytes > MOST_BYTES + 4 * case.decoded_bytes
    ]
    return {
        "parser": found[0].parser,
        "cases": len(found),
        "refused": sum(bool(case.told) for case in found),
        "median_ms": round(1000 * times[len(times) // 2], 2),
        "longest_ms": round(1000 * times[-1], 1),
        "most_mib": round(max(case.peak_bytes for case in found) / MIB, 1),
        "faults": faults,
    }


def table(rows: Sequence[dict[str, object]]) -> str:
    """The figures in Markdown."""
    heads = ("parser", "cases", "refused", "median_ms", "longest_ms", "most_mib")
    lines = [f"| {' | '.join((*heads, 'faults'))} |", "|---|" + "--:|" * len(heads)]
    for row in rows:
        faults = row["faults"]
        assert isinstance(faults, list)
        lines.append(f"| {' | '.join(str(row[head]) for head in heads)} | {len(faults)} |")
    lines.append(f"| all | {sum(int(str(row['cases'])) for row in rows):,} | | | | | |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
