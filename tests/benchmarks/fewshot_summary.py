"""What the few-shot comparison found: tables, steps to a target, and the bars with their figures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median, stdev
from typing import Any

from tests.benchmarks.fewshot_runs import Row

#: The family whose best member is the mark: chosen by its mean TEST over seeds, in its own favour.
_MARK = "lora"


@dataclass(frozen=True)
class Cell:
    """TEST of one contender on one style: its error over the base's, mean and spread over seeds.

    Attributes:
        spread: Standard deviation; None for one seed.
        step: Median of the steps after which the kept numbers were there.
    """

    mean: float
    spread: float | None
    step: float
    seeds: int


@dataclass(frozen=True)
class Race:
    """How soon ours is as good as the best LoRA ever was, in one run of each.

    Attributes:
        mark: The LoRA.
        theirs: Its steps and seconds until what it kept.
        ours: Ours until what would be kept is as good; None if it never was.
        searched: How many of its steps are tries and steps that looked for a start.
    """

    style: str
    shots: int
    seed: int
    mark: str
    theirs: tuple[float, float]
    ours: tuple[float, float] | None
    searched: float

    def ratio(self, uncounted: float = 0.0) -> float:
        """Ours over theirs in steps, infinite where ours never gets there."""
        if self.ours is None:
            return float("inf")
        return (self.ours[0] - uncounted) / max(self.theirs[0], 1)


def cells(rows: Iterable[Row]) -> dict[tuple[int, str, str], Cell]:
    """(shots, style, contender) -> what came of it."""
    groups: dict[tuple[int, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["shots"], row["style"], row["contender"]), []).append(row)
    found = {}
    for key, own in groups.items():
        shares = [row["kept"]["test"] / row["base_test"] for row in own]
        spread = stdev(shares) if len(shares) > 1 else None
        found[key] = Cell(fmean(shares), spread, median(row["kept"]["step"] for row in own), len(own))
    return found


def best_lora(rows: Sequence[Row], shots: int, style: str) -> str | None:
    """The LoRA with the least mean TEST on a style."""
    names = {row["contender"] for row in rows if row["form"] == _MARK}
    found = {name: c for (n, s, name), c in cells(rows).items() if (n, s) == (shots, style) and name in names}
    return min(found, key=lambda name: found[name].mean) if found else None


def kept_so_far(row: Row) -> list[tuple[float, float, float]]:
    """(steps, seconds, TEST of what held-out pictures would keep if it ended there), at every measurement."""
    found, least, test = [], float("inf"), float("inf")
    for step, seconds, held, error in row["curve"]:
        if held < least:
            least, test = held, error
        found.append((step, seconds, test))
    return found


def races(rows: Sequence[Row], ours: str, pace: Mapping[str, float] | None = None) -> list[Race]:
    """Ours against the best LoRA, seed by seed.

    Args:
        ours: Name of the contender.
        pace: Contender -> seconds of a step when it has the device to itself, in place of the clock of runs
            that shared it.
    """
    by_key = {(row["contender"], row["style"], row["shots"], row["seed"]): row for row in rows}
    found = []
    for (name, style, shots, seed), row in by_key.items():
        mark = best_lora(rows, shots, style)
        if name != ours or mark is None or (other := by_key.get((mark, style, shots, seed))) is None:
            continue

        known = pace if pace is not None and {ours, mark} <= pace.keys() else None

        def seconds(who: str, step: float, clock: float, known: Mapping[str, float] | None = known) -> float:
            return clock if known is None else step * known[who]

        target = other["kept"]["test"]
        reached = next(
            ((step, seconds(ours, step, clock)) for step, clock, test in kept_so_far(row) if test <= target),
            None,
        )
        step, clock = other["kept"]["step"], other["kept"]["seconds"]
        found.append(
            Race(style, shots, seed, mark, (step, seconds(mark, step, clock)), reached, row["curve"][0][0])
        )
    return found


def paces(rows: Iterable[Row]) -> dict[str, float]:
    """Contender -> seconds of a step with its share of held-out measurements, from runs without company."""
    found: dict[str, float] = {}
    for row in rows:
        (first, began, *_), (last, ended, *_) = row["curve"][0], row["curve"][-1]
        if last > first:
            one = (ended - began) / (last - first)
            found[row["contender"]] = min(one, found.get(row["contender"], one))
    return found


def bars(rows: Sequence[Row], ours: str, judged: Mapping[str, Any] | None, shots: int = 8) -> list[str]:
    """What was promised, said reached or missed with the figures."""
    table = cells(rows)
    styles = sorted({style for n, style, name in table if n == shots and name == ours})
    marks = {style: best_lora(rows, shots, style) for style in styles}
    pairs = {s: (table[shots, s, ours].mean, table[shots, s, m].mean) for s, m in marks.items() if m}
    if not pairs:
        return []
    won = [style for style, (mine, theirs) in pairs.items() if mine < theirs]
    lines = [
        _bar(
            len(won) >= 3,
            f"TEST below the best LoRA's with {shots} pictures on {len(won)} of {len(pairs)} styles",
        )
    ]
    own = [race for race in races(rows, ours) if race.shots == shots]
    if own:
        ratios, alone = [race.ratio() for race in own], [race.ratio(race.searched) for race in own]
        lines.append(
            _bar(median(ratios) <= 0.5, f"as good as the best LoRA in {median(ratios):.2f} of its steps (median; "
                 f"{median(alone):.2f} if the search for a start is not counted), in at most half in "
                 f"{sum(ratio <= 0.5 for ratio in ratios)} of {len(own)} runs, never in "
                 f"{sum(race.ours is None for race in own)}")
        )  # fmt: skip
    for key in ("subject", "style", "both") if judged else ():
        scores = {
            name: _score(judged or {}, name, shots, key) for name in [ours, *{m for m in marks.values() if m}]
        }
        known = {name: score for name, score in scores.items() if score is not None}
        if ours in known and len(known) > 1:
            best = max(score for name, score in known.items() if name != ours)
            text = f"judge names the {key}: ours {known[ours]:.3f}, best of the best LoRAs {best:.3f}"
            lines.append(_bar(known[ours] >= best, text))
    return lines


def _bar(is_reached: bool, text: str) -> str:
    return f"{'reached' if is_reached else 'MISSED'}: {text}"


def _score(judged: Mapping[str, Any], name: str, shots: int, key: str) -> float | None:
    table = judged.get(f"{name} | {shots}", {}).get("all styles")
    return None if table is None else table["generated"][key]


def report(
    rows: Sequence[Row],
    ours: str,
    pace: Mapping[str, float] | None = None,
    judged: Mapping[str, Any] | None = None,
) -> str:
    """All of it in Markdown."""
    table, parts = cells(rows), []
    names = list(dict.fromkeys(row["contender"] for row in rows))
    for shots in sorted({row["shots"] for row in rows}):
        styles = sorted({style for n, style, _ in table if n == shots})
        parts.append(
            f"\n### {shots} pictures: TEST error over the base's, mean (deviation over seeds) @ kept step\n"
        )
        parts += [f"| contender | {' | '.join(styles)} | mean |", f"|---|{'---|' * (len(styles) + 1)}"]
        for name in names:
            own = [table.get((shots, style, name)) for style in styles]
            known = [cell.mean for cell in own if cell]
            mean = f"{fmean(known):.4f}" if known else ""
            parts.append(f"| {name} | {' | '.join(map(_shown, own))} | {mean} |")
        race = [r for r in races(rows, ours, pace) if r.shots == shots]
        parts += _raced(race, ours)
    parts += [
        "\n### What is learnt and kept\n",
        "| contender | rate | numbers | bytes | optimiser bytes | ms a step |",
    ]
    parts.append("|---|---|---|---|---|---|")
    for name in names:
        one = next(row for row in rows if row["contender"] == name)
        step = f"{1000 * pace[name]:.1f}" if pace and name in pace else ""
        sizes = " | ".join(f"{one[key]:,}" for key in ("numbers", "bytes", "optimizer_bytes"))
        parts.append(f"| {name} | {one['rate']:g} | {sizes} | {step} |")
    parts += ["\n### Bars\n", *(f"* {line}" for line in bars(rows, ours, judged))]
    return "\n".join(parts)


def _shown(cell: Cell | None) -> str:
    if cell is None:
        return ""
    spread = "" if cell.spread is None else f" ({cell.spread:.4f})"
    return f"{cell.mean:.4f}{spread} @ {cell.step:.0f}"


def _raced(found: Sequence[Race], ours: str) -> list[str]:
    if not found:
        return []
    lines = [f"\n{ours} is as good as the best LoRA after so many of its steps (seconds):"]
    for style in sorted({race.style for race in found}):
        own = [race for race in found if race.style == style]
        told = ", ".join(
            f"{race.ours[0]:.0f} of {race.theirs[0]:.0f} ({race.ours[1]:.1f} s of {race.theirs[1]:.1f})"
            if race.ours else f"never of {race.theirs[0]:.0f}"
            for race in own
        )  # fmt: skip
        lines.append(f"* {style}, {own[0].mark}: {told}")
    return lines


def summary(rows: Sequence[Row], ours: str, judged: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The same as JSON."""
    table = [
        {"shots": n, "style": style, "contender": name, **asdict(cell)}
        for (n, style, name), cell in cells(rows).items()
    ]
    return {
        "table": table,
        "races": [asdict(race) for race in races(rows, ours)],
        "bars": bars(rows, ours, judged),
        "judged": judged,
    }
