"""A mixture of styles as a style of its own."""

from collections.abc import Mapping, Sequence

from eigenlorax.lora import joined
from eigenlorax.recipe import StyleBlend
from eigenlorax.subspace.basis import canonical, even_factors
from eigenlorax.subspace.fidelity import Fidelity
from eigenlorax.subspace.kept_cores import KeptCores, keep_core
from eigenlorax.subspace.kept_residuals import KeptResiduals, keep_residual
from eigenlorax.subspace.style import Style, blend, blend_residuals
from eigenlorax.subspace.subspace import Subspace

#: Private ranks of a mixture in one module; beyond them the leading ones are kept.
MOST_RANKS = 64
#: The topic of a style's notes that tells what it was mixed from.
MIXTURE = "mixture"


def combined(
    name: str,
    subspace: Subspace,
    styles: Mapping[str, Style],
    strengths: StyleBlend,
    words: str,
    trigger_words: Sequence[str] = (),
) -> Style:
    """The style whose update is sum_i strength_i dW_i, rounded as any style of this subspace is.

    Cores add up exactly. Private ranks of several styles stand side by side; where they are more than
    `MOST_RANKS` in a module, the best approximation of that rank is kept.

    Args:
        name: Of the new style.
        subspace: The one that the styles belong to.
        styles: By name; holds every name of `strengths`.
        strengths: Dimensionless.
        words: Where it comes from, for its notes.
        trigger_words: That its prompts should hold.
    """
    cores = {
        path: keep_core(core, 0, subspace.bases[path].numbers)
        for path, core in blend(styles, strengths).items()
    }
    residuals = {}
    for path, basis in subspace.bases.items():
        if private := blend_residuals(styles, strengths, path):
            layer = joined(private)
            if layer.rank > MOST_RANKS:
                layer = even_factors(canonical(layer), MOST_RANKS)
            residuals[path] = keep_residual(layer, basis.numbers)
    return Style(
        name=name,
        cores=KeptCores(cores),
        subspace=subspace.hash,
        fidelity=Fidelity(1.0, "", 1.0, 0, 0),
        trigger_words=tuple(trigger_words),
        residuals=KeptResiduals(residuals),
        notes={MIXTURE: words},
    )
