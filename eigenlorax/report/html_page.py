"""One HTML page that needs nothing beside itself: no script, no font, no request."""

from collections.abc import Sequence
from html import escape

_STYLE = """
:root { color-scheme: light dark; --paper: #faf9f6; --card: #fff; --ink: #22222a; --soft: #66646d;
  --line: #e2ded6;
  --a: #0f6e5c; --b: #b4590a; --c: #8a8791; --hint: #0f6e5c14; }
@media (prefers-color-scheme: dark) { :root { --paper: #151412; --card: #1d1c1a; --ink: #eceae6;
  --soft: #a7a39b;
  --line: #35322d; --a: #74cfc4; --b: #f0a04b; --c: #8f8a82; --hint: #74cfc41a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.55 system-ui, -apple-system,
  "Segoe UI",
  Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1140px; margin: 0 auto; padding: 36px 24px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -.015em; }
h2 { font-size: 19px; margin: 0 0 4px; letter-spacing: -.01em; }
section > :last-child { margin-bottom: 0; }
h3 { font-size: 14px; margin: 18px 0 6px; }
p { margin: 6px 0 12px; max-width: 74ch; }
.lead { font-size: 17px; max-width: 68ch; }
.not { color: var(--soft); font-size: 14px; }
.not::before { content: "What it does not mean: "; font-weight: 600; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  padding: 22px 24px; margin-top: 20px; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 12px;
  margin: 22px 0 0; }
.cards div { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 14px 16px; }
.cards b { display: block; font-size: 25px; line-height: 1.25; letter-spacing: -.02em;
  font-variant-numeric: tabular-nums; }
.cards span { font-size: 13px; color: var(--soft); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr));
  gap: 8px 28px; }
.chart { display: block; width: 100%; height: auto; }
.chart text { font: 12px system-ui, sans-serif; fill: var(--soft); }
.chart .grid { stroke: var(--line); } .chart .field { fill: var(--hint); } .chart .more { fill: var(--a);
  } .chart .less { fill: var(--b); }
polyline, .legend line { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
polyline.a, .legend line.a { stroke: var(--a); } circle.a { fill: var(--a); }
polyline.b, .legend line.b { stroke: var(--b); } circle.b { fill: var(--b); }
polyline.chance, .legend line.chance { stroke: var(--c); stroke-dasharray: 5 4; }
circle.chance { fill: var(--c); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 18px; padding: 0; margin: 6px 0;
  font-size: 13px; }
.legend svg { vertical-align: middle; margin-right: 7px; }
.wide { overflow-x: auto; }
.figures { max-width: 340px; }
.figures :is(th, td) { padding: 2px 10px; border: 0; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { white-space: normal; font-size: 12px; color: var(--soft); font-weight: 600; vertical-align: bottom; }
th.words, td.words { text-align: left; }
td.words { min-width: 15ch; max-width: 34ch; white-space: normal; overflow-wrap: anywhere; }
.bar { position: relative; display: inline-block; width: 110px; height: 10px; border-radius: 5px;
  background: var(--line);
  overflow: hidden; vertical-align: middle; }
.percent { display: inline-block; width: 3.2em; }
.bar i { position: absolute; inset: 0 auto 0 0; background: var(--a); }
.bar u { position: absolute; top: 0; bottom: 0; width: 2px; background: var(--ink); }
.stack { display: flex; gap: 1px; height: 26px; margin: 3px 0 2px; border-radius: 6px; overflow: hidden; }
.stack i { background: color-mix(in srgb, var(--a) 30%, transparent); font: 11.5px/26px system-ui,
  sans-serif;
  color: var(--ink); overflow: hidden; white-space: nowrap; min-width: 0; }
.stack i.big { background: color-mix(in srgb, var(--b) 55%, transparent); }
.tell { display: flex; justify-content: space-between; gap: 12px; font-size: 13px; color: var(--soft);
  margin-bottom: 12px; }
.tell:has(+ .stack) { margin: 0; }
.shots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(320px, 100%), 1fr));
  gap: 18px 22px; }
.shots figure { margin: 0; } figcaption { font-size: 13px; color: var(--soft); margin-top: 5px; }
figcaption b { color: var(--ink); }
.trio { display: grid; grid-template-columns: repeat(3, 1fr); gap: 4px; }
.trio img { width: 100%; height: auto; border-radius: 6px; }
summary { cursor: pointer; font-weight: 600; }
footer { margin-top: 26px; color: var(--soft); font-size: 13px; }
"""


def document(title: str, body: str) -> str:
    """The whole page; `body` is HTML already, `title` is plain text."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body><main>\n{body}\n</main></body></html>\n"
    )


def section(title: str, meaning: str, limits: str, content: str) -> str:
    """A part of the page: a title, what its figures mean and do not mean (plain text), and HTML content."""
    return (
        f"<section><h2>{escape(title)}</h2><p>{escape(meaning)}</p>{content}"
        f'<p class="not">{escape(limits)}</p></section>'
    )


def cards(figures: Sequence[tuple[str, str]]) -> str:
    """Large figures with a line of words below each, both plain text."""
    inner = "".join(
        f"<div><b>{escape(figure)}</b><span>{escape(words)}</span></div>" for figure, words in figures
    )
    return f'<div class="cards">{inner}</div>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]], words: frozenset[int]) -> str:
    """A table of HTML cells.

    Args:
        head: Plain text.
        rows: HTML; escape what came from outside.
        words: Columns that hold text and stand to the left; all others hold numbers.
    """
    marks = [' class="words"' if column in words else "" for column in range(len(head))]
    top = "".join(f"<th{mark}>{escape(name)}</th>" for mark, name in zip(marks, head, strict=True))
    lines = [
        "<tr>" + "".join(f"<td{mark}>{cell}</td>" for mark, cell in zip(marks, row, strict=True)) + "</tr>"
        for row in rows
    ]
    return (
        f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
    )


def bar(value: float, mark: float) -> str:
    """A bar for a share in [0, 1] with a tick at another share, and the share in figures."""
    return (
        f'<span class="bar" role="img" aria-label="{value:.0%}, by chance {mark:.0%}">'
        f'<i style="width:{value:.1%}"></i><u style="left:{mark:.1%}"></u></span>'
        f'<span class="percent">{value:.0%}</span>'
    )


def stacked_bar(shares: Sequence[tuple[str, float]], marked_above: float) -> str:
    """Named shares of a whole beside each other, largest first; one above `marked_above` stands out."""
    inner = "".join(
        f'<i{" class=big" if share > marked_above else ""} style="flex:{share:.4f} 0 0" '
        f'title="{escape(name)}: {share:.0%}">{f"&nbsp;{escape(name)}" if share > 0.25 else ""}</i>'
        for name, share in sorted(shares, key=lambda pair: -pair[1])
        if share >= 0.0005
    )
    return f'<div class="stack">{inner}</div>'
