"""Strengths that compare: at 1.0 every style changes the model as much as the collection's middle one."""

from statistics import median

from eigenlorax.blending.gram import Grams

#: Most that a strength is raised or lowered by: beyond it a style is too faint, or too loud, to be meant.
MOST_SCALE = 5.0


def scales(grams: Grams) -> dict[str, float]:
    """Style -> factor on its strength: median norm / its norm, within 1/5 and 5; 1 where it does nothing.

    Args:
        grams: Of the whole collection; its norms are weighted as in fidelity.
    """
    norms = dict(zip(grams.names, grams.norms.tolist(), strict=True))
    middle = median_norm(grams)
    return {
        name: min(MOST_SCALE, max(1.0 / MOST_SCALE, middle / norm)) if norm > 0.0 else 1.0
        for name, norm in norms.items()
    }


def median_norm(grams: Grams) -> float:
    """Norm of the collection's middle style; 0 where none does anything."""
    real = [norm for norm in grams.norms.tolist() if norm > 0.0]
    return median(real) if real else 0.0
