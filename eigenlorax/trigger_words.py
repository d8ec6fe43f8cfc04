"""The words that a style was trained with, in a prompt."""

from collections.abc import Mapping

from eigenlorax.recipe import StyleBlend
from eigenlorax.subspace.style import Style


def with_trigger_words(prompt: str, blend: StyleBlend, styles: Mapping[str, Style]) -> str:
    """The prompt with the trigger words of every style in positive use, unless it holds them already."""
    if not prompt.strip():
        return prompt
    words = [prompt.strip()]
    for name, strength in blend.items():
        if strength > 0.0 and name in styles:
            present = ", ".join(words).lower()
            words += [word for word in styles[name].trigger_words if word.lower() not in present]
    return ", ".join(words)
