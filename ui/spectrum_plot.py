"""The spectrum as small charts, one for each part of the model; colours come from CSS, so dark works."""

from collections.abc import Sequence
from html import escape
from math import log2

from eigenlorax.subspaces.spectrum import PartSpectrum, Spectrum
from ui import spectrum_text

_WIDTH, _HEIGHT = 460.0, 236.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 12.0, 12.0, 46.0
_LABEL_ROOM = 30.0


def spectrum_plot(spectrum: Spectrum) -> str:
    """The charts under a sentence that says what they mean."""
    keys = "".join(
        f'<span class="key {look}"><i></i>{escape(words)}</span>'
        for look, words in (("own", spectrum_text.OWN), ("chance", spectrum_text.CHANCE))
    )
    charts = "".join(_chart(part, spectrum) for part in spectrum.parts)
    return (
        f'<div class="spectrum"><p class="line">{escape(spectrum_text.meaning(spectrum))}</p>'
        f'<p class="spectrum-keys">{keys}</p><div class="spectrum-charts">{charts}</div></div>'
    )


def _chart(part: PartSpectrum, spectrum: Spectrum) -> str:
    positions = spectrum.directions
    name, reach = spectrum_text.PARTS[part.part], spectrum_text.reach(part, spectrum)
    parts = [_rule(share) for share in (0.0, 0.5, 1.0)]
    parts += [
        f'<text x="{_x(k, positions):.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{k}</text>'
        for k in _labelled(positions)
    ]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(
        f'<text x="{middle:.1f}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(spectrum_text.AXIS)}</text>'
    )
    parts += [_line("chance", part.chance, positions), _line("own", part.kept, positions)]
    parts += [
        f'<circle class="own" cx="{_x(k, positions):.1f}" cy="{_y(kept):.1f}" r="2.4">'
        f"<title>{k}: {kept:.1%}</title></circle>"
        for k, kept in zip(positions, part.kept, strict=True)
    ]
    return (
        f"<figure><figcaption><b>{escape(name)}</b><span>{escape(reach)}</span></figcaption>"
        f'<svg role="img" viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}">'
        f"<title>{escape(f'{name}: {reach}')}</title>{''.join(parts)}</svg>"
        f"<small>{escape(spectrum_text.sample(part))}</small></figure>"
    )


def _rule(share: float) -> str:
    y = _y(share)
    return (
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{share:.0%}</text>'
    )


def _line(look: str, values: Sequence[float], positions: Sequence[int]) -> str:
    points = (f"{_x(k, positions):.1f},{_y(value):.1f}" for k, value in zip(positions, values, strict=True))
    return f'<polyline class="{look}" points="{" ".join(points)}"/>'


def _x(k: int, positions: Sequence[int]) -> float:
    span = max(log2(positions[-1]), 1.0)
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * log2(k) / span


def _y(share: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1.0 - share)


def _labelled(positions: Sequence[int]) -> list[int]:
    """Powers of two and the end, as far as they stand clear of each other."""
    last = positions[-1]
    powers = [k for k in positions if k & (k - 1) == 0 and k != last]
    return [k for k in powers if _x(last, positions) - _x(k, positions) > _LABEL_ROOM] + [last]
