"""Blends are exact sums."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eigenlorax.errors import SubspaceMismatchError, UnknownStyleError
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.subspace.fidelity import Fidelity
from eigenlorax.subspace.kept_cores import DENSE, KeptCores, keep_core
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.style import Style, blend

A, B = ModulePath(Component.UNET, "a"), ModulePath(Component.TEXT_ENCODER, "text_model.b")
FIDELITY = Fidelity(1.0, "", 1.0, 0, 100)
KEPT = {
    name: keep_core(torch.randn(3, 2, generator=torch.Generator().manual_seed(i)), DENSE, Numbers.FP16)
    for i, name in enumerate("xyz")
}
CORES = {name: kept.core for name, kept in KEPT.items()}
STYLES = {
    "x": Style("x", KeptCores({A: KEPT["x"]}), "s", FIDELITY),
    "y": Style("y", KeptCores({A: KEPT["y"], B: KEPT["z"]}), "s", FIDELITY),
    "stranger": Style("stranger", KeptCores({A: KEPT["x"]}), "other", FIDELITY),
}


@given(x=st.floats(-2, 2), y=st.floats(-2, 2))
def test_blend_is_linear(x: float, y: float) -> None:
    cores = blend(STYLES, {"x": x, "y": y})
    if x or y:
        torch.testing.assert_close(cores[A], x * CORES["x"] + y * CORES["y"])
    if y:
        torch.testing.assert_close(cores[B], y * CORES["z"])


def test_strength_zero_leaves_a_style_out() -> None:
    assert blend(STYLES, {"x": 0.0, "y": 0.0}) == {}
    assert set(blend(STYLES, {"x": 1.0, "y": 0.0})) == {A}


def test_opposite_strengths_cancel_exactly() -> None:
    twin = {**STYLES, "twin": Style("twin", KeptCores({A: KEPT["x"]}), "s", FIDELITY)}
    assert torch.equal(blend(twin, {"x": 1.5, "twin": -1.5})[A], torch.zeros(3, 2))


def test_an_unknown_style_is_named_with_what_there_is() -> None:
    with pytest.raises(UnknownStyleError, match=r"nope.*stranger, x, y"):
        blend(STYLES, {"nope": 1.0})


def test_styles_of_two_subspaces_do_not_mix() -> None:
    with pytest.raises(SubspaceMismatchError, match="compress them together"):
        blend(STYLES, {"x": 1.0, "stranger": 1.0})
    assert set(blend(STYLES, {"x": 1.0, "stranger": 0.0})) == {A}
