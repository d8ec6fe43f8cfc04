"""HTML about the model and about morphs. Every word from outside passes through `escape`."""

from collections.abc import Mapping
from html import escape

from eigenlorax.studio import Studio
from ui import drawing_text


def hint(words: str) -> str:
    """A sentence that explains what stands below it."""
    return f'<p class="line quiet">{escape(words)}</p>'


def model(studio: Studio, placed: str) -> str:
    """What kind of model it is, where that matters, and where it lies, in the words of its plan."""
    sentences = filter(None, (studio.base.variant.sentence, placed))
    return "".join(hint(sentence) for sentence in sentences)


def ends(blends: Mapping[str, Mapping[str, float]]) -> str:
    """The two ends of a morph."""
    told = {end.upper(): blends.get(end) for end in ("a", "b")}
    lines = "".join(f"<dt>{end}</dt><dd>{escape(_end(blend))}</dd>" for end, blend in told.items())
    return f'<div role="status"><dl class="ends">{lines}</dl></div>'


def _end(blend: Mapping[str, float] | None) -> str:
    return drawing_text.NOT_SET if blend is None else drawing_text.blend(blend)
