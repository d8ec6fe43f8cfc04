"""HTML about a picture that was read. Every word from outside passes through `escape`."""

from collections.abc import Iterable
from html import escape

from eigenlorax.cases.recall import Restored
from eigenlorax.dials import Dials
from ui import recall_text as words


def told(found: Restored, name: str, beyond: Iterable[str] = ()) -> str:
    """What is set now, from where, what is missing and what differs.

    Args:
        found: What was read, against what is here.
        name: Of the picture.
        beyond: What the form does not reach, a sentence each.
    """
    request, differs = found.request, [*found.differences, *beyond]
    styles = [
        words.style(style, strength, dialled=request.dials.get(style, Dials()) != Dials())
        for style, strength in request.styles.items()
    ]
    parts = [
        f'<p class="recall-set">{escape(words.set_to(found))}</p>',
        _part(words.STYLES, styles, "recall-chips"),
        _part(words.MISSING, [one.sentence for one in found.missing], "recall-missing"),
        f'<p class="line quiet">{escape(words.MISSING_HINT)}</p>' if found.missing else "",
        _part(words.DIFFERS, [_sentence(one) for one in differs], "recall-differs"),
        _part(words.NOT_READ, [", ".join(found.recalled.unread)] if found.recalled.unread else [], ""),
    ]
    heading = escape(words.heading(name, found.recalled))
    return (
        f'<details class="recalled" open role="status"><summary>{heading}</summary>'
        f"<div>{''.join(parts)}</div></details>"
    )


def _part(title: str, items: list[str], look: str) -> str:
    if not items:
        return ""
    rows = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f'<h3>{escape(title)}</h3><ul class="{look}">{rows}</ul>'


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
