"""Small charts as SVG text; colours come from the page's CSS classes, so light and dark both work."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import log2, sqrt

_WIDTH, _HEIGHT = 620.0, 300.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 14.0, 12.0, 44.0
_MAP = 560.0
_FAINTEST = 0.005


@dataclass(frozen=True)
class Line:
    """One curve.

    Attributes:
        label: For the legend.
        values: Between 0 and 1, one for each position of the chart.
        look: CSS class that gives stroke and dash.
    """

    label: str
    values: Sequence[float]
    look: str


def line_chart(title: str, x_label: str, positions: Sequence[int], lines: Sequence[Line]) -> str:
    """Curves in percent over a logarithmic axis, with a legend above.

    Args:
        title: Read out by screen readers.
        x_label: Below the axis.
        positions: Positive, ascending, shared by all lines.
        lines: Drawn in order, the last one on top.
    """
    span = max(log2(positions[-1] / positions[0]), 1e-9)

    def x(value: int) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * log2(value / positions[0]) / span

    def y(value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1.0 - value)

    parts = [
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(v):.1f}" y2="{y(v):.1f}"/>'
        f'<text x="{_LEFT - 8}" y="{y(v) + 4:.1f}" text-anchor="end">{v:.0%}</text>'
        for v in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    parts += [
        f'<text x="{x(v):.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{v}</text>'
        for v in _ticks(positions, x)
    ]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(x_label)}</text>')
    for line in lines:
        points = [(x(at), y(value)) for at, value in zip(positions, line.values, strict=True)]
        parts.append(
            f'<polyline class="{line.look}" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in points)}"/>'
        )
        parts += [
            f'<circle class="{line.look}" cx="{a:.1f}" cy="{b:.1f}" r="2.6">'
            f"<title>{escape(line.label)}, {at}: {value:.1%}</title></circle>"
            for (a, b), at, value in zip(points, positions, line.values, strict=True)
        ]
    keys = "".join(
        f'<li><svg width="30" height="10" aria-hidden="true"><line class="{line.look}" x1="1" x2="29" y1="5" '
        f'y2="5"/></svg>{escape(line.label)}</li>'
        for line in lines
    )
    return f'<ul class="legend">{keys}</ul>{_picture(title, _WIDTH, _HEIGHT, parts)}'


def heat_map(title: str, names: Sequence[str], values: Sequence[Sequence[float]]) -> str:
    """A symmetric table of values between -1 and 1 as squares.

    Opacity is the root of the size, so that a tenth can be seen; the class tells the sign.
    """
    cell = min(24.0, max(4.0, _MAP / len(names)))
    margin = 12 + (min(7.4 * max(map(len, names)), 220) if cell >= 10 else 0)
    side = cell * len(names)
    parts = [f'<rect class="field" x="{margin:.0f}" y="0" width="{side:.1f}" height="{side:.1f}"/>']
    for row, name in enumerate(names):
        if cell >= 10:
            shown = escape(name if len(name) <= 30 else name[:29] + "…")
            middle = cell * (row + 0.5)
            parts.append(
                f'<text x="{margin - 6:.0f}" y="{middle + 4:.1f}" text-anchor="end">{shown}</text>'
                f'<text transform="translate({margin + middle + 4:.1f} {side + 8:.1f}) rotate(-90)" '
                f'text-anchor="end">{shown}</text>'
            )
        for column, value in enumerate(values[row]):
            if abs(value) >= _FAINTEST:
                parts.append(
                    f'<rect class="{"more" if value > 0.0 else "less"}" x="{margin + cell * column:.1f}" '
                    f'y="{cell * row:.1f}" width="{cell - 1:.1f}" height="{cell - 1:.1f}" '
                    f'fill-opacity="{sqrt(min(1.0, abs(value))):.2f}">'
                    f"<title>{escape(name)}, {escape(names[column])}: {value:.3f}</title></rect>"
                )
    return _picture(title, margin + side, side + margin, parts)


def _ticks(positions: Sequence[int], x: Callable[[int], float]) -> list[int]:
    """Positions to label: both ends, and powers of two that stand clear of them and of each other."""
    chosen = [positions[0]]
    for value in positions[1:]:
        is_power = value & (value - 1) == 0
        if value == positions[-1] or (is_power and x(positions[-1]) - x(value) > 26):
            chosen.append(value)
    return chosen


def _picture(title: str, width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg class="chart" role="img" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'style="max-width:{width:.0f}px"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )
