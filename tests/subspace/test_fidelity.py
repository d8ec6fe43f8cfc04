"""The verdict goes by the best that is known of a style's effect, and old files are judged by their weights."""

import pytest

from eigenlorax.subspace.fidelity import Fidelity, FidelityVerdict


def _fidelity(**known: float) -> Fidelity:
    return Fidelity(
        energy_kept=0.64, worst_module="x", worst_kept=0.1, zero_modules=0, original_bytes=10, **known
    )


@pytest.mark.parametrize(
    ("known", "kept", "verdict"),
    [
        ({}, 0.64, FidelityVerdict.LOST),
        ({"effect_error": 0.4}, 0.84, FidelityVerdict.LOOSE),
        ({"effect_error": 0.4, "distance_after": 0.2}, 0.96, FidelityVerdict.CLOSE),
        ({"effect_error": 0.0}, 1.0, FidelityVerdict.FAITHFUL),
        ({"distance_after": 1.2}, 0.0, FidelityVerdict.LOST),
    ],
)
def test_predictions_before_weighted_error_before_weights(
    known: dict[str, float], kept: float, verdict: FidelityVerdict
) -> None:
    fidelity = _fidelity(**known)
    assert fidelity.effect_kept == pytest.approx(kept)
    assert fidelity.verdict is verdict
    assert fidelity.told["effect_kept"] == fidelity.effect_kept
