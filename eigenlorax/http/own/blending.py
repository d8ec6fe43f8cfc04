"""Styles and blends, as the interface and the tools ask for them."""

from eigenlorax.http.desk import Desk
from eigenlorax.http.faults import AbsentError
from eigenlorax.http.own.models import BlendTold, Strengths, StyleTold
from eigenlorax.recipe import StyleBlend


def told_styles(desk: Desk) -> list[StyleTold]:
    """Every style that can be worn."""
    return [told_style(desk, name) for name in desk.studio.styles]


def told_style(desk: Desk, name: str) -> StyleTold:
    """One style.

    Raises:
        AbsentError: there is none of that name.
    """
    style = desk.studio.styles.get(name)
    if style is None:
        there = ", ".join(desk.studio.styles) or "none yet: compress some LoRAs first"
        raise AbsentError(f"no style named {name}; there are {there}")
    note = desk.studio.collection.note(name)
    return StyleTold(
        name=name,
        trigger_words=list(style.trigger_words),
        verdict=style.fidelity.verdict.value,
        effect_kept=style.fidelity.effect_kept,
        style_bytes=style.fidelity.style_bytes,
        favourite=bool(note.favourite),
        preferred_strength=note.preferred_weight,
        fidelity=style.fidelity.told,
    )


def told_blend(desk: Desk, strengths: StyleBlend) -> BlendTold:
    """A blend, measured.

    Raises:
        InvalidRequestError: it names a style that is not here.
    """
    if not any(strengths.values()):
        return BlendTold(styles=dict(strengths), balance=0.0, kept=1.0, shares={})
    found = desk.studio.blending.conflict(strengths)
    return BlendTold(
        styles=dict(strengths), balance=found.balance, kept=found.kept, shares=dict(found.shares)
    )


def wear(desk: Desk, strengths: Strengths) -> BlendTold:
    """Let requests that name no styles wear this blend, until the program ends.

    Raises:
        InvalidRequestError: it names a style that is not here; the one before stays.
    """
    told = told_blend(desk, strengths)
    desk.worn = dict(strengths)
    return told


def combine(desk: Desk, name: str, strengths: Strengths | None) -> StyleTold:
    """Make a blend, by default the worn one, a style of its own.

    Raises:
        InvalidRequestError: the blend is empty, or the name cannot be.
        NotWrittenError: the disk refused.
    """
    style = desk.studio.blending.combine(desk.worn if strengths is None else strengths, name)
    return told_style(desk, style.name)
