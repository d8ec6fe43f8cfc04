"""The learning curve as SVG text: error on held-out pictures above, loss of the steps below.

Two bands and not one: the loss weighs timesteps and holds the prior, so its numbers are of another scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import isfinite

from ui import train_text

_WIDTH, _LEFT, _RIGHT = 720.0, 58.0, 16.0
_HELD_TOP, _HELD_HEIGHT = 14.0, 150.0
_LOSS_TOP, _LOSS_HEIGHT = 192.0, 74.0
_HEIGHT = 306.0
_SMOOTHING = 0.15

Point = tuple[float, float]


@dataclass(frozen=True)
class _Band:
    """Where a curve is drawn, and the values at its edges."""

    top: float
    height: float
    low: float
    high: float

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.top + self.height * (1.0 - min(1.0, max(0.0, share)))


def learning_curve(train: Sequence[Point], held: Sequence[Point], steps: float) -> str:
    """Both curves against steps, the best measurement marked; nothing before the first point.

    Args:
        train: (step, loss) of each step; drawn faint, and smoothed above that.
        held: (step, error) of each measurement.
        steps: The right end of the axis; curves that go further move it.
    """
    train, held = _finite(train), _finite(held)
    if not train and not held:
        return ""
    last = max(steps, *(at for at, _ in (*train, *held)), 1.0)

    def x(at: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * at / last

    parts = _axis(last, x(0.0), x(last))
    if held:
        parts += _held([(x(at), value, at) for at, value in held], _band(held, _HELD_TOP, _HELD_HEIGHT))
    if train:
        parts += _loss([(x(at), value) for at, value in train], _band(train, _LOSS_TOP, _LOSS_HEIGHT))
    return (
        f'<figure class="curve"><figcaption>{_legend()}</figcaption>'
        f'<svg role="img" viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}">'
        f"<title>{escape(train_text.curve(train, held))}</title>{''.join(parts)}</svg></figure>"
    )


def best_of(held: Sequence[Point]) -> Point | None:
    """The measurement with the least error, the first of equals."""
    return min(_finite(held), key=lambda point: point[1], default=None)


def _held(points: Sequence[tuple[float, float, float]], band: _Band) -> list[str]:
    parts = _ticks(band, train_text.HELD_AXIS)
    parts.append(_polyline("held", [(x, band.y(value)) for x, value, _ in points]))
    best = min(points, key=lambda point: point[1])
    for x, value, at in points:
        is_best = (x, value, at) == best
        look, radius = ("held best", 6) if is_best else ("held", 3)
        told = escape(train_text.measured(at, value, is_best=is_best))
        parts.append(
            f'<circle class="{look}" cx="{x:.1f}" cy="{band.y(value):.1f}" r="{radius}">'
            f"<title>{told}</title></circle>"
        )
    x, value, at = best
    anchor = "end" if x > _WIDTH * 0.75 else "start" if x < _WIDTH * 0.15 else "middle"
    above = band.y(value) - 12
    y = above if above > band.top + 12 else band.y(value) + 22
    words = escape(train_text.best(at))
    parts.append(f'<text class="best" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>')
    return parts


def _loss(points: Sequence[Point], band: _Band) -> list[str]:
    smooth, level = list[Point](), points[0][1]
    for x, value in points:
        level += _SMOOTHING * (value - level)
        smooth.append((x, level))
    return [
        *_ticks(band, train_text.LOSS_AXIS),
        _polyline("raw", [(x, band.y(value)) for x, value in points]),
        _polyline("loss", [(x, band.y(value)) for x, value in smooth]),
    ]


def _axis(last: float, left: float, right: float) -> list[str]:
    bottom, middle = _LOSS_TOP + _LOSS_HEIGHT, (left + right) / 2
    return [
        f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>',
        f'<text x="{left}" y="{bottom + 20}" text-anchor="middle">0</text>',
        f'<text x="{middle}" y="{bottom + 20}" text-anchor="middle">{train_text.STEPS_AXIS}</text>',
        f'<text x="{right}" y="{bottom + 20}" text-anchor="end">{last:g}</text>',
    ]


def _ticks(band: _Band, label: str) -> list[str]:
    """Lines at the edges of a band with their values, and what the band shows."""
    right, y = _WIDTH - _RIGHT, band.top + 14
    parts = [f'<text x="{right}" y="{y}" text-anchor="end">{escape(label)}</text>']
    for value in (band.low, band.high):
        y = band.y(value)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    return parts


def _band(points: Sequence[Point], top: float, height: float) -> _Band:
    """A band whose edges leave some room above and below the values."""
    low, high = (choose(value for _, value in points) for choose in (min, max))
    room = 0.15 * (high - low) or 0.1 * abs(high) or 1.0
    return _Band(top, height, low - room, high + room)


def _polyline(look: str, points: Sequence[Point]) -> str:
    return f'<polyline class="{look}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'


def _finite(points: Sequence[Point]) -> list[Point]:
    return [(at, value) for at, value in points if isfinite(at) and isfinite(value)]


def _legend() -> str:
    keys = (("held", train_text.HELD_KEY), ("loss", train_text.LOSS_KEY))
    return "".join(f'<span class="key {look}"><i></i>{escape(words)}</span>' for look, words in keys)
