"""The words that are ours: each with the sentence that explains it."""

from collections.abc import Mapping

from ui.language import say

TERMS: Mapping[str, tuple[str, str]] = {
    "subspace": (
        say("Subspace"),
        say(
            "The directions that your styles share, stored once. Each style is then a few coefficients "
            "along them: small on disk, switched in milliseconds, and blended exactly."
        ),
    ),
    "effect": (
        say("Effect kept"),
        say(
            "The share of what the LoRA does to the model's predictions that its style still does. "
            "100 % is the LoRA itself."
        ),
    ),
    "verdict": (
        say("Verdict"),
        say("Effect kept in a word: faithful from 99 %, close from 95 %, loose from 75 %, below that lost."),
    ),
    "error": (
        say("Error"),
        say(
            "How far the style's weights lie from the LoRA's: 0 is the same, 1 is no style at all. "
            "It is stricter than what can be seen in pictures."
        ),
    ),
    "alone": (
        say("Own SVD, same bytes"),
        say(
            "The error if the LoRA alone were cut down to as many bytes. Where it is smaller, "
            "sharing does not pay for this style."
        ),
    ),
    "pictures": (
        say("In pictures"),
        say("Measured on drawn pictures: 0 % is the LoRA's own picture, 100 % as far from it as no style."),
    ),
    "refit": (
        say("Refit"),
        say(
            "LoRAs that joined later use the columns that were there, or brought a few of their own. A refit "
            "finds the best shared columns for all of them together; the version before stays."
        ),
    ),
    "calibrate": (
        say("Calibrate"),
        say(
            "Compressing keeps a LoRA's weights as near as it can. Calibrating then moves each style's own "
            "coefficients until the model predicts with it what it predicts with the LoRA; the shared "
            "columns stay as they are."
        ),
    ),
    "predict": (
        say("Predict"),
        say(
            "Tells, before a file is written, how large it would be and how far the exported weights would "
            "lie from the style."
        ),
    ),
}
"""Key -> the term as the page writes it, and its sentence."""


def ask(term: str) -> str:
    """The name of the small button beside a term."""
    return say("What does {term} mean?", term=term)
