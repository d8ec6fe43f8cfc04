"""A small question mark beside a term that is ours; the browser opens its sentence and Escape closes it."""

from html import escape

from ui.terms_text import TERMS, ask


def why(key: str) -> str:
    """The question mark of one term; a term has one place in the page, since its popover needs a name.

    Args:
        key: One of `TERMS`.
    """
    term, sentence = TERMS[key]
    return (
        f'<button type="button" class="why" popovertarget="why-{key}" aria-label="{escape(ask(term))}">?'
        f'</button><span class="why-words" id="why-{key}" popover role="note"><b>{escape(term)}</b> '
        f"{escape(sentence)}</span>"
    )
