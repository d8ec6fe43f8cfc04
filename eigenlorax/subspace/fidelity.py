"""How much of a LoRA its subspace keeps, in numbers and in one word."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from math import sqrt
from typing import Any

from eigenlorax.module_path import ModulePath


class FidelityVerdict(StrEnum):
    """One word for the share of a LoRA's effect that is kept.

    Chosen on the demo LoRAs: with 0.99 of the effect pictures moved a sixth of the way to no style, with
    0.95 a third.
    """

    FAITHFUL = "faithful"
    CLOSE = "close"
    LOOSE = "loose"
    LOST = "lost"


_THRESHOLDS = (
    (0.99, FidelityVerdict.FAITHFUL),
    (0.95, FidelityVerdict.CLOSE),
    (0.75, FidelityVerdict.LOOSE),
    (0.0, FidelityVerdict.LOST),
)
#: Relative difference of errors below which neither store is called nearer.
_TIE = 0.01
#: Squared error that the rounding to int8 may cost a style: the LoRA alone is counted at the prices of int8,
#: but not rounded.
_ROUNDING = 2e-4


@dataclass(frozen=True)
class Fidelity:
    """What projection kept of one LoRA, over all its modules.

    Attributes:
        energy_kept: ||U U^T dW V V^T||^2 / ||dW||^2, in [0, 1], over the whole LoRA.
        worst_module: The module that keeps the smallest share of its own energy.
        worst_kept: That share, in [0, 1].
        zero_modules: How many modules have an update of exactly zero.
        original_bytes: Size of the LoRA's file.
        style_bytes: Size of the style's file, its share of the bases left out; 0 before it is saved.
        own_error: Relative error of the LoRA's own truncation to the style's ranks; no store of them does
            better. None, here and below, where the style was made before these were measured.
        shared_kept: Share of energy that the shared columns hold, without private residuals.
        random_kept: The same for a random LoRA of the same singular values, as an expectation.
        alone_error: Relative error when this LoRA alone is truncated at the style's bytes.
        alone_bytes: Those bytes: the style's numbers and its part of the bases.
        effect_error: Relative error with each module weighted as in the fit.
        alone_effect_error: The same of the LoRA alone at equal bytes.
        distance_before: Distance of the style's predictions to the LoRA's, relative to the bare base's, on
            subjects and noise that it never learnt from, before calibration; None without one.
        distance_after: The same after calibration.
    """

    energy_kept: float
    worst_module: str
    worst_kept: float
    zero_modules: int
    original_bytes: int
    style_bytes: int = 0
    own_error: float | None = None
    shared_kept: float | None = None
    random_kept: float | None = None
    alone_error: float | None = None
    alone_bytes: int = 0
    effect_error: float | None = None
    alone_effect_error: float | None = None
    distance_before: float | None = None
    distance_after: float | None = None

    @property
    def loses(self) -> bool:
        """True when this LoRA alone, truncated at equal bytes, would be nearer by more than a hundredth.

        Counted in the measure that both aim at, the error weighted as in the fit, and by more than what
        the style's rounding explains.
        """
        if self.effect_error is None or self.alone_effect_error is None:
            return False
        rounded = sqrt(self.alone_effect_error**2 + _ROUNDING)
        return max(self.alone_effect_error / (1.0 - _TIE), rounded) < self.effect_error

    @property
    def remark(self) -> str:
        """What the verdict has to add; empty when there is nothing."""
        if not self.loses:
            return ""
        return (
            f"its own SVD at equal bytes is nearer (error {self.alone_effect_error:.3f}, here "
            f"{self.effect_error:.3f}, weighted as in the fit)"
        )

    @property
    def told(self) -> dict[str, Any]:
        """Every figure and what follows from them, for JSON."""
        extra = {
            "effect_kept": self.effect_kept,
            "weight_error": self.weight_error,
            "verdict": self.verdict.value,
            "remark": self.remark,
        }
        return {**asdict(self), **extra}

    @property
    def weight_error(self) -> float:
        """Relative Frobenius error ||dW - projection|| / ||dW||, in [0, 1]."""
        return float((1.0 - self.energy_kept) ** 0.5)

    @property
    def effect_kept(self) -> float:
        """Share of the LoRA's effect on predictions that the style keeps, by the best there is to tell.

        Its distance to the LoRA's predictions when that was measured, else the error weighted by what each
        module does, else the plain weight error; each squared.
        """
        known = (self.distance_after, self.effect_error, self.weight_error)
        error = next(value for value in known if value is not None)
        return max(0.0, 1.0 - error**2)

    @property
    def verdict(self) -> FidelityVerdict:
        """The word for `effect_kept`."""
        return next(verdict for floor, verdict in _THRESHOLDS if self.effect_kept >= floor)


def measure(
    energies: Mapping[ModulePath, float], kept: Mapping[ModulePath, float], original_bytes: int
) -> Fidelity:
    """Sum up one LoRA's modules.

    Args:
        energies: ||dW||^2 of each module, float64.
        kept: ||M||^2 of each module; for orthonormal bases the energy of the projection. Of a style that has
            learnt since, ||dW||^2 less the squared error, which may be below 0.
        original_bytes: Size of the LoRA's file.
    """
    shares = {path: kept[path] / energy for path, energy in energies.items() if energy > 0.0}
    total = sum(energies.values())
    worst = min(shares, key=lambda path: shares[path], default=None)
    return Fidelity(
        energy_kept=min(1.0, max(0.0, sum(kept.values()) / total)) if total > 0.0 else 1.0,
        worst_module=str(worst) if worst is not None else "",
        worst_kept=min(1.0, max(0.0, shares[worst])) if worst is not None else 1.0,
        zero_modules=len(energies) - len(shares),
        original_bytes=original_bytes,
    )
