"""The few-shot comparison as charts: TEST of what would be kept, against steps, mean and range over seeds."""

from collections.abc import Mapping, Sequence
from html import escape
from math import log2
from statistics import fmean

from tests.benchmarks.fewshot_runs import Row
from tests.benchmarks.fewshot_summary import kept_so_far

_COLOURS = ("#0b7", "#c33", "#a60", "#36c", "#a3a", "#888", "#063", "#6af", "#e7c", "#333")
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 560.0, 320.0, 52.0, 40.0, 10.0, 10.0
_SVG_CSS = "text { font: 12px system-ui, sans-serif; fill: #444 } .name { font-weight: bold; fill: #222 } .grid { stroke: #ddd }"
_CSS = """
body { font: 14px system-ui, sans-serif; max-width: 1300px; margin: 2em auto; color: #222; background: #fff }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(540px, 1fr)); gap: 1.5em }
svg text { font: 12px system-ui, sans-serif; fill: #444 } .grid { stroke: #ddd } ul { display: flex; flex-wrap: wrap; gap: .2em 1.4em;
list-style: none; padding: 0 } pre { white-space: pre-wrap }
"""


def page(rows: Sequence[Row], report: str) -> str:
    """One HTML page: a chart for each style and number of pictures, and the report as text."""
    colours = _colours(rows)
    keys = "".join(f'<li style="color:{colour}">▬ {escape(name)}</li>' for name, colour in colours.items())
    charts = []
    for shots in sorted({row["shots"] for row in rows}):
        for style in sorted({row["style"] for row in rows if row["shots"] == shots}):
            here = [row for row in rows if (row["shots"], row["style"]) == (shots, style)]
            charts.append(
                f"<section><h2>{escape(style)}, {shots} pictures</h2>{chart(here, colours)}</section>"
            )
    return (
        f"<!doctype html><meta charset=utf-8><title>Teaching a style</title><style>{_CSS}</style>"
        "<h1>TEST error over the base's, of what would be kept after so many steps</h1>"
        f"<ul>{keys}</ul><main>{''.join(charts)}</main><pre>{escape(report)}</pre>"
    )


def figure(rows: Sequence[Row], shots: int) -> str:
    """The charts of one number of pictures as one SVG, two beside each other, with a legend above."""
    here = [row for row in rows if row["shots"] == shots]
    colours, styles = _colours(here), sorted({row["style"] for row in here})
    wide, high, head, name_high = 2 * _WIDTH, _HEIGHT + 20, 30, 16
    parts = [f'<rect width="100%" height="100%" fill="#fff"/><style>{_SVG_CSS}</style>']
    for place, (name, colour) in enumerate(colours.items()):
        left = _LEFT + place * (wide - _LEFT) / len(colours)
        parts.append(f'<rect x="{left:.0f}" y="10" width="18" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{left + 24:.0f}" y="17">{escape(name)}</text>')
    for place, style in enumerate(styles):
        left, top = place % 2 * _WIDTH, head + place // 2 * high
        one = chart([row for row in here if row["style"] == style], colours)
        inner = f'<svg x="{left:.0f}" y="{top + name_high:.0f}" width="{_WIDTH:.0f}" height="{_HEIGHT:.0f}" '
        parts.append(f'<text class="name" x="{left + _LEFT:.0f}" y="{top + 12:.0f}">{escape(style)}</text>')
        parts.append(one.replace("<svg ", inner, 1))
    tall = head + (len(styles) + 1) // 2 * high
    size = f'width="{wide:.0f}" height="{tall:.0f}" viewBox="0 0 {wide:.0f} {tall:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(parts)}</svg>\n'


def _colours(rows: Sequence[Row]) -> dict[str, str]:
    forms = {row["contender"]: row["form"] for row in rows}
    names = sorted(forms, key=lambda name: (forms[name] != "teach", name))
    return {name: _COLOURS[place % len(_COLOURS)] for place, name in enumerate(names)}


def at_steps(row: Row, positions: Sequence[int]) -> list[float]:
    """TEST over the base's of what would be kept after so many steps; 1 before there is a start."""
    points, found = kept_so_far(row), []
    for position in positions:
        reached = [test for step, _, test in points if step <= position]
        found.append(reached[-1] / row["base_test"] if reached else 1.0)
    return found


def chart(rows: Sequence[Row], colours: Mapping[str, str]) -> str:
    """Mean over seeds as a line, least and most as a band; the step axis is logarithmic, the error's is not from 0."""
    last = int(max(row["curve"][-1][0] for row in rows))
    positions = sorted({min(last, round(5 * 2 ** (power / 4))) for power in range(4 * 12)})
    curves: dict[str, list[list[float]]] = {}
    for row in rows:
        curves.setdefault(row["contender"], []).append(at_steps(row, positions))
    every = [value for own in curves.values() for curve in own for value in curve]
    low, high = min(every) - 0.01, 1.0
    span = max(log2(positions[-1] / positions[0]), 1e-9)

    def x(position: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * log2(position / positions[0]) / span

    def y(value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - value) / (high - low)

    parts = []
    for tick in range(int(low * 20) + 1, 21):
        value = tick / 20
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        )
        parts.append(f'<text x="{_LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.2f}</text>')
    for position in [p for p in (5, 10, 20, 40, 80, 160, 320, 640) if p <= last]:
        parts.append(f'<text x="{x(position):.1f}" y="{_HEIGHT - 22}" text-anchor="middle">{position}</text>')
    parts.append(
        f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 4}" text-anchor="middle">steps, the search for a start included</text>'
    )
    for name, own in curves.items():
        middle = [fmean(values) for values in zip(*own, strict=True)]
        upper = [max(values) for values in zip(*own, strict=True)]
        lower = [min(values) for values in zip(*own, strict=True)]
        there = list(zip(positions, upper, strict=True)) + list(zip(positions, lower, strict=True))[::-1]
        band = " ".join(f"{x(p):.1f},{y(v):.1f}" for p, v in there)
        line = " ".join(f"{x(p):.1f},{y(v):.1f}" for p, v in zip(positions, middle, strict=True))
        parts.append(f'<polygon points="{band}" fill="{colours[name]}" fill-opacity="0.1"/>')
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{colours[name]}" stroke-width="2">'
            f"<title>{escape(name)}: {middle[-1]:.4f}</title></polyline>"
        )
    return f'<svg viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" role="img"><title>TEST by steps</title>{"".join(parts)}</svg>'
