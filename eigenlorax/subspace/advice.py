"""When bases should be fitted anew: what those who joined keep to themselves, against what they need."""

from collections.abc import Mapping
from dataclasses import dataclass

from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.allocate import Option, cheapest_within
from eigenlorax.subspace.basis import canonical
from eigenlorax.subspace.frames import hosvd
from eigenlorax.subspace.options import options_of
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

#: Share of the private bytes of those who joined that a refit must save to be worth its minutes.
WORTH = 0.1
#: Share of styles that the bases were not fitted to, above which the bases are no longer theirs.
STRANGERS = 0.5
#: The share of the residuals' energy that the prediction is made for, on both sides of the comparison.
_KEPT = 0.95


@dataclass(frozen=True)
class RefitAdvice:
    """Who joined since the last fit, and what a refit promises.

    Attributes:
        joined: Names of the styles that the bases were not fitted to.
        styles: How many styles there are.
        private_bytes: What the joined styles' private ranks take.
        predicted_bytes: What they would take at least when what these styles have in common were shared: a
            refit may find more, since it moves all columns.
    """

    joined: tuple[str, ...]
    styles: int
    private_bytes: int
    predicted_bytes: int

    @property
    def reason(self) -> str:
        """Why a refit is advised; empty when it is not."""
        saved = self.private_bytes - self.predicted_bytes
        if saved > WORTH * self.private_bytes:
            return (
                f"the private ranks of {len(self.joined)} joined styles take {self.private_bytes:,} bytes, "
                f"of which new shared columns would save about {saved:,}"
            )
        if len(self.joined) > STRANGERS * self.styles:
            return f"{len(self.joined)} of {self.styles} styles came after the bases were fitted"
        return ""

    @property
    def words(self) -> str:
        """The advice in one sentence; empty when nothing is advised."""
        return f"A refit is advised: {self.reason}." if self.reason else ""


def advise(
    subspace: Subspace, styles: Mapping[str, Style], importance: Mapping[ModulePath, float]
) -> RefitAdvice:
    """Look at what the styles that joined keep to themselves, and predict what a refit would make of it.

    For the private ranks of the joined styles alone, the fit's own allocation is made twice at equal error:
    with and without shared columns. The ratio of bytes is the prediction.

    Args:
        subspace: With `sources`, the LoRAs that its bases were fitted to.
        styles: Those of the subspace, by name.
        importance: Module -> factor on its squared error, as in the fit.
    """
    joined = [s for s in styles.values() if subspace.sources.get(s.name) != s.source_sha256]
    private = sum(residual.nbytes for style in joined for residual in style.residuals.kept.values())
    options: dict[ModulePath, list[Option]] = {}
    weights = {style.name: _weight(style, importance) for style in joined}
    for path in subspace.bases:
        layers = {s.name: canonical(s.residuals[path]) for s in joined if path in s.residuals}
        if layers:
            own = [weights[name] * importance[path] ** 0.5 for name in layers]
            forms = list(layers.values())
            options[path] = options_of(forms, own, hosvd(forms, own), subspace.bases[path].numbers)
    names = tuple(sorted(style.name for style in joined))
    return RefitAdvice(names, len(styles), private, round(private * _left(options)))


def _weight(style: Style, importance: Mapping[ModulePath, float]) -> float:
    """1 / norm of the whole style, so that a strong one does not claim the columns."""
    energy = sum(importance[path] * float(core.double().square().sum()) for path, core in style.cores.items())
    energy += sum(importance[path] * layer.norm**2 for path, layer in style.residuals.items())
    return energy**-0.5 if energy > 0.0 else 0.0


def _left(options: Mapping[ModulePath, list[Option]]) -> float:
    """Bytes with shared columns over bytes without any, at equal error; 1 where there is nothing to share."""
    if not options:
        return 1.0
    allowed = (1.0 - _KEPT) * sum(choices[0].error for choices in options.values())
    alone = _bytes({path: choices[:1] for path, choices in options.items()}, allowed)
    return min(_bytes(options, allowed) / alone, 1.0) if alone else 1.0


def _bytes(options: Mapping[ModulePath, list[Option]], allowed: float) -> int:
    return sum(choice.file_bytes for choice in cheapest_within(options, allowed).values())
