"""The compression benchmark as charts: error against how many times smaller, one chart for each collection."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from eigenlorax.report.svg import Line, line_chart

_LOOKS = {
    "ours, by weight": "#0b7", "each LoRA alone": "#c33", "HOSVD, one quality": "#999", "paper": "#a60",
    "joint diag., dense": "#36c", "joint diag., diagonal": "#6af", "flattened PCA": "#a3a", "vlora-dev": "#e7c",
    "ours, by effect": "#063",
}  # fmt: skip
_CSS = """
body { font: 14px system-ui, sans-serif; max-width: 1300px; margin: 2em auto; color: #222; background: #fff }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(560px, 1fr)); gap: 2em }
svg text { font: 12px system-ui, sans-serif; fill: #444 } .grid { stroke: #ddd } .chart { width: 100% }
polyline { fill: none; stroke-width: 2 } .legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .2em 1.2em }
"""


def page(rows: Sequence[Mapping[str, Any]]) -> str:
    """One HTML page; a method has points only where it gets as small as the budget."""
    titles = list(dict.fromkeys(row["collection"] for row in rows))
    charts = "".join(f"<section><h2>{escape(title)}</h2>{_chart(title, rows)}</section>" for title in titles)
    looks = "".join(
        f".{_class(name)} {{ stroke: {colour} }} circle.{_class(name)} {{ fill: {colour} }}"
        for name, colour in _LOOKS.items()
    )
    return (
        f"<!doctype html><meta charset=utf-8><title>Compression</title><style>{_CSS}{looks}</style>"
        "<h1>Relative weight error against compression</h1>"
        f"<p>At 100% a method keeps nothing, or does not get this small at all.</p><main>{charts}</main>"
    )


def _chart(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    here = [row for row in rows if row["collection"] == title]
    ratios = sorted({int(row["ratio"]) for row in here})
    lines = []
    for name in dict.fromkeys(row["method"] for row in here):
        found = {int(row["ratio"]): row["error"] for row in here if row["method"] == name and row["fits"]}
        # A method that does not get that small keeps nothing there: all is lost.
        lines.append(Line(name, [min(found.get(ratio, 1.0), 1.0) for ratio in ratios], _class(name)))
    axis = f"times smaller than fp16 files: {', '.join(map(str, ratios))}"
    return line_chart(f"{title}: error by method", axis, ratios, lines[::-1])


def _class(name: str) -> str:
    return "m" + "".join(letter for letter in name if letter.isalnum())
