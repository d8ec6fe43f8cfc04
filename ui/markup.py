"""The page's own HTML. Every word that comes from a file or a user passes through `escape`."""

from collections.abc import Mapping, Sequence
from html import escape

from eigenlorax.cases.pictures import known_figures
from eigenlorax.formats.facts import relation_lines
from eigenlorax.formats.report import Verdict
from eigenlorax.likeness import StyleLikeness
from eigenlorax.studio import Studio
from eigenlorax.subspace.fidelity import Fidelity, FidelityVerdict
from eigenlorax.subspace.style import Style
from eigenlorax.subspaces.desk import Compressed
from ui import looking_text, text
from ui.fidelity_words import fidelity_facts
from ui.language import say
from ui.terms import why
from ui.terms_text import TERMS

TONE = {
    Verdict.USABLE: "good",
    Verdict.PARTLY: "fair",
    Verdict.OTHER_BASE: "fair",
    Verdict.EMBEDDING: "fair",
    Verdict.BUNDLE: "good",
    Verdict.BROKEN: "bad",
    FidelityVerdict.FAITHFUL: "good",
    FidelityVerdict.CLOSE: "good",
    FidelityVerdict.LOOSE: "fair",
    FidelityVerdict.LOST: "bad",
}
_EXPLAINED = ("effect", "verdict", "error", "alone", "pictures")
_FIDELITY_COLUMNS = (
    escape(say("Style")),
    *(f"{escape(TERMS[key][0])} {why(key)}" for key in _EXPLAINED),
    escape(say("Style file")),
)
"""As HTML."""


def header(studio: Studio) -> str:
    """Name, purpose, and chips that say what is loaded and how large the subspace is."""
    chips = [chip(say("Base"), studio.base.name), chip(say("Runs on"), studio.hardware.name)]
    notice = f'<p class="notice">{escape(studio.notice)}</p>' if studio.notice else ""
    return (
        f'<div class="masthead"><div class="brand">{_LOGO}<div><h1>{escape(text.TITLE)}</h1>'
        f"<p>{escape(text.PURPOSE)}</p></div></div>"
        f'<div class="chips">{"".join(chips)}{_subspace_chip(studio)}<button type="button" '
        f'class="theme-switch" aria-label="{say("Switch between light and dark")}" '
        f'title="{say("Light or dark")}">◐</button></div></div>{notice}'
    )


def chip(label: str, value: str, beside: str = "") -> str:
    """A small labelled fact; `beside` is HTML, such as the question mark of its term."""
    return f'<span class="chip"><small>{escape(label)}</small>{escape(value)}{beside}</span>'


def _subspace_chip(studio: Studio) -> str:
    styles = studio.styles.values()
    if not styles:
        return chip(say("Subspace"), say("none yet"), why("subspace"))
    before = sum(style.fidelity.original_bytes for style in styles)
    parts = (text.count(len(styles), "style"), text.megabytes(studio.stored_bytes))
    told = " · ".join((*parts, text.ratio(before, studio.stored_bytes)))
    return chip(say("Subspace"), told, why("subspace"))


def progress(line: str, done: int = 0, total: int = 0) -> str:
    """A job that runs: a bar and a line that screen readers hear as a status."""
    value = f' value="{done}" max="{total}"' if total else ""
    return f'<div class="job" role="status"><progress{value}></progress><span>{escape(line)}</span></div>'


def line(words: str, tone: str = "") -> str:
    """One plain line; `tone` is "", "good", "fair" or "bad"."""
    return f'<p class="line {tone}" role="status">{escape(words)}</p>'


def lines(*words: str) -> str:
    """The lines below a picture, the first one stronger."""
    first, *rest = words
    return line(first, "facts") + "".join(f'<p class="line quiet">{escape(word)}</p>' for word in rest)


def heading(words: str, explanation: str = "") -> str:
    """A heading within a tab, with a sentence below it where one is needed."""
    below = f"<p>{escape(explanation)}</p>" if explanation else ""
    return f'<div class="heading"><h2>{escape(words)}</h2>{below}</div>'


def captions(left: tuple[str, str], right: tuple[str, str]) -> str:
    """What the two halves of a comparison show: a caption and its times each."""
    halves = (
        f"<p><b>{escape(words)}</b><small>{escape(times)}</small></p>" for words, times in (left, right)
    )
    return f'<div class="captions">{"".join(halves)}</div>'


def badge(word: str, tone: str) -> str:
    """A verdict in one coloured word."""
    return f'<span class="badge {tone}">{escape(word)}</span>'


def _bar(fidelity: Fidelity) -> str:
    share = fidelity.effect_kept
    return (
        f'<span class="kept {TONE[fidelity.verdict]}" style="--share:{share:.3f}">'
        f'<i aria-hidden="true"></i>{share:.1%}</span>'
    )


def current_subspace(studio: Studio) -> str:
    """The current subspace's sizes and fidelity; nothing before the first compression."""
    styles, current = studio.styles, studio.subspaces.current
    if not styles:
        return ""
    before = sum(style.fidelity.original_bytes for style in styles.values())
    told = Compressed(
        styles, before, current.stored_bytes, sharing=current.sharing, excluded=studio.subspaces.excluded
    )
    return compression(told, known_figures(studio))


def compression(result: Compressed, likeness: Mapping[str, StyleLikeness] | None = None) -> str:
    """Bytes before and after as two bars, then how near each style is to its LoRA."""
    before, after = result.original_bytes, result.stored_bytes
    largest = max(before, after, 1)
    bars = "".join(
        f'<div><span>{label}</span><i style="--share:{size / largest:.4f}" class="{side}"></i>'
        f"<b>{text.megabytes(size)}</b></div>"
        for side, label, size in (("before", say("Before"), before), ("after", say("After"), after))
    )
    headline = escape(text.subspace(len(result.styles), before, after))
    of_loras = [style for style in result.styles.values() if style.fidelity.original_bytes]
    others = [style.name for style in result.styles.values() if not style.fidelity.original_bytes]
    table = fidelity(of_loras, likeness or {})
    told = f'<p class="line quiet">{escape(text.sharing(*result.sharing))}</p>'
    told += "".join(line(words, "fair") for words in relation_lines(result.relations))
    told += line(looking_text.excluded(result.excluded), "fair") if result.excluded else ""
    told += line(text.without_lora(others), "quiet") if others else ""
    return f'<div class="bytes"><p class="headline">{headline}</p>{bars}{told}</div>{table}'


def fidelity(styles: Sequence[Style], likeness: Mapping[str, StyleLikeness]) -> str:
    """Styles against their LoRAs, nearest first, and what the numbers mean."""
    ordered = sorted(styles, key=lambda style: -style.fidelity.effect_kept)
    rows = "".join(_fidelity_row(style, likeness.get(style.name)) for style in ordered)
    table = _table("fidelity", _FIDELITY_COLUMNS, rows, say("Fidelity of each style"))
    return f'{table}<p class="line quiet">{escape(looking_text.NOTE)}</p>'


def _fidelity_row(style: Style, likeness: StyleLikeness | None) -> str:
    f = style.fidelity
    known = "".join(
        f"<dt>{escape(label)}</dt><dd>{escape(words)}</dd>" for label, words in fidelity_facts(f, likeness)
    )
    details = f"<details><summary>{looking_text.DETAILS}</summary><dl>{known}</dl></details>"
    remark = f"<small>{escape(looking_text.LOSES)}</small>" if f.loses else ""
    alone = "—" if f.alone_error is None else f"{f.alone_error:.3f}"
    seen = "—" if likeness is None else looking_text.relative(likeness.relative)
    return (
        f'<tr><th scope="row">{escape(style.name)}{details}</th><td>{_bar(f)}</td>'
        f"<td>{badge(looking_text.VERDICTS[f.verdict], TONE[f.verdict])}{remark}</td>"
        f'<td class="num">{f.weight_error:.3f}</td><td class="num">{alone}</td><td class="num">{seen}</td>'
        f'<td class="num">{text.megabytes(f.style_bytes)}</td></tr>'
    )


def _table(name: str, columns: Sequence[str], rows: str, caption: str) -> str:
    heads = "".join(f'<th scope="col">{column}</th>' for column in columns)
    return (
        f'<div class="table-scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="sheet {name}"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


_LOGO = (
    '<svg class="logo" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8"/>'
    '<path d="M7 24 25 8"/><path d="M9 9 23 25" opacity=".55"/><circle cx="20.6" cy="11.9" r="3.4"/></svg>'
)
