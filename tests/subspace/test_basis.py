"""The maths of one module against dense matrices."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenlorax.lora import LoRALayer
from eigenlorax.subspace.basis import Basis, canonical, project, reconstruct
from eigenlorax.subspace.frames import hosvd


def _layer(rows: int, columns: int, rank: int, seed: int) -> LoRALayer:
    g = torch.Generator().manual_seed(seed)
    return LoRALayer(torch.randn(rows, rank, generator=g), torch.randn(rank, columns, generator=g))


def _dense(layer: LoRALayer) -> torch.Tensor:
    return layer.up @ layer.down


def _basis(layers: list[LoRALayer], retain: float) -> Basis:
    """The fewest columns on each side that keep this share of that side's energy."""
    frames = hosvd([canonical(layer) for layer in layers], [1.0] * len(layers))
    counts = [
        int((energy.cumsum(0) < retain * energy.sum() * (1 - 1e-9)).sum()) + 1
        for energy in (frames.energy_out, frames.energy_in)
    ]
    return frames.first(min(counts[0], frames.out.shape[1]), min(counts[1], frames.into.shape[1]))


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 20), columns=st.integers(1, 20), rank=st.integers(1, 24), seed=st.integers(0, 10_000)
)
def test_canonical_form_is_the_thin_svd(rows: int, columns: int, rank: int, seed: int) -> None:
    layer = _layer(rows, columns, rank, seed)
    form = canonical(layer)
    torch.testing.assert_close(form.p * form.s @ form.q.mT, _dense(layer), rtol=1e-4, atol=1e-4)
    width = form.s.shape[0]
    torch.testing.assert_close(form.p.mT @ form.p, torch.eye(width), rtol=0, atol=1e-5)
    torch.testing.assert_close(form.q.mT @ form.q, torch.eye(width), rtol=0, atol=1e-5)
    assert bool((form.s.diff() <= 1e-5).all())


def test_canonical_form_does_not_see_the_gauge() -> None:
    layer = _layer(12, 9, 3, 1)
    gauge = torch.randn(3, 3, generator=torch.Generator().manual_seed(2)) + 3 * torch.eye(3)
    other = LoRALayer(layer.up @ gauge, torch.linalg.inv(gauge) @ layer.down)
    a, b = canonical(layer), canonical(other)
    torch.testing.assert_close(a.s, b.s, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(a.p @ a.p.mT, b.p @ b.p.mT, rtol=1e-4, atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), retain=st.floats(0.05, 1.0))
def test_basis_is_orthonormal_and_each_side_keeps_what_was_asked(seed: int, retain: float) -> None:
    layers = [_layer(14, 11, rank, seed + rank) for rank in (1, 2, 4)]
    basis = _basis(layers, retain)
    for side in (basis.out, basis.into):
        torch.testing.assert_close(side.mT @ side, torch.eye(side.shape[1]), rtol=0, atol=1e-6)
    total = sum(float(_dense(layer).square().sum()) for layer in layers)
    kept_out = sum(float((basis.out.mT @ _dense(layer)).square().sum()) for layer in layers)
    kept_in = sum(float((_dense(layer) @ basis.into).square().sum()) for layer in layers)
    assert kept_out >= (retain - 1e-3) * total  # 1e-3: the columns are rounded to fp16
    assert kept_in >= (retain - 1e-3) * total


def test_fewest_columns_are_kept() -> None:
    layers = [_layer(14, 11, 3, seed) for seed in range(3)]
    basis = _basis(layers, 0.8)
    total = sum(float(_dense(layer).square().sum()) for layer in layers)
    one_less = basis.out[:, :-1]
    assert sum(float((one_less.mT @ _dense(layer)).square().sum()) for layer in layers) < 0.8 * total


def test_all_energy_asked_for_is_exact_with_no_more_columns_than_the_rank() -> None:
    layers = [_layer(30, 25, 2, seed) for seed in range(3)]
    basis = _basis(layers, 1.0)
    assert basis.core_shape == (6, 6)
    for layer in layers:
        back = _dense(reconstruct(project(canonical(layer), basis), basis))
        assert float((back - _dense(layer)).norm() / _dense(layer).norm()) < 1e-3


@pytest.mark.parametrize("shape", [(14, 6), (6, 14)])
def test_projection_is_the_nearest_point(shape: tuple[int, int]) -> None:
    layer = _layer(*shape, 3, 5)
    basis = _basis([_layer(*shape, 2, 8), _layer(*shape, 1, 9)], 0.9)
    core = project(canonical(layer), basis)
    torch.testing.assert_close(core, basis.out.mT @ _dense(layer) @ basis.into, rtol=1e-4, atol=1e-5)
    best = float((_dense(reconstruct(core, basis)) - _dense(layer)).norm())
    for seed in range(5):
        other = core + 0.1 * torch.randn(core.shape, generator=torch.Generator().manual_seed(seed))
        assert float((_dense(reconstruct(other, basis)) - _dense(layer)).norm()) > best


def test_an_update_of_zero_has_a_basis_too() -> None:
    zero = LoRALayer(torch.zeros(5, 2), torch.zeros(2, 4))
    basis = _basis([zero], 0.9)
    assert basis.core_shape == (1, 1)
    assert float(project(canonical(zero), basis).abs().max()) == 0.0
