"""Cutting in core space is cutting the dense update, and its error is known before."""

from math import sqrt

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.subspace.basis import Basis, reconstruct
from eigenlorax.subspace.truncate import (
    Spectrum,
    core_spectrum,
    layer_spectrum,
    lost_energy,
    ranks_up_to,
    ranks_within,
    relative_error,
)

A, B, ZERO = (ModulePath(Component.UNET, name) for name in ("a", "b", "zero"))


def _layer(seed: int, rank: int, out: int = 20, into: int = 30, size: float = 1.0) -> LoRALayer:
    draw = torch.Generator().manual_seed(seed)
    return LoRALayer(size * torch.randn(out, rank, generator=draw), torch.randn(rank, into, generator=draw))


def _core(seed: int) -> tuple[torch.Tensor, Basis]:
    draw = torch.Generator().manual_seed(seed)
    out, into = (torch.linalg.qr(torch.randn(n, k, generator=draw))[0] for n, k in ((20, 7), (30, 9)))
    return torch.randn(7, 9, generator=draw), Basis(out.half(), into.half())


def _dense(layer: LoRALayer) -> torch.Tensor:
    return layer.up.double() @ layer.down.double()


@pytest.mark.parametrize("rank", [1, 3, 6])
def test_a_cut_is_the_nearest_matrix_of_its_rank(rank: int) -> None:
    core, basis = _core(1)
    for exact, spectrum in (
        (reconstruct(core, basis), core_spectrum(core, basis)),
        (_layer(2, 7), layer_spectrum(_layer(2, 7))),
    ):
        u, s, v = torch.linalg.svd(_dense(exact), full_matrices=False)
        cut = spectrum.cut(rank)
        torch.testing.assert_close(_dense(cut), (u[:, :rank] * s[:rank]) @ v[:rank], rtol=1e-4, atol=1e-5)
        assert spectrum.lost(rank) == pytest.approx(float(s[rank:].square().sum()), rel=1e-5)
        assert cut.up.square().sum(0).tolist() == pytest.approx(cut.down.square().sum(1).tolist(), rel=1e-5)


def test_full_rank_loses_nothing_and_asks_for_no_more_than_there_is() -> None:
    core, basis = _core(3)
    layer = _layer(4, 5)
    spectra = {
        A: core_spectrum(core, basis),
        B: layer_spectrum(layer),
        ZERO: layer_spectrum(_layer(5, 2, size=0.0)),
    }
    assert ranks_up_to(spectra, None) == ranks_up_to(spectra, 64) == {A: 7, B: 5}
    found = {path: spectra[path].cut(rank) for path, rank in ranks_up_to(spectra, None).items()}
    exact = {A: reconstruct(core, basis), B: layer}
    assert relative_error(found, exact) < 5e-7
    assert relative_error({}, exact) == pytest.approx(1.0)
    assert relative_error({A: exact[A], B: layer.scaled(2.0)}, exact) == pytest.approx(
        layer.norm / sqrt(exact[A].norm ** 2 + layer.norm**2)
    )


def _spectra() -> dict[ModulePath, Spectrum]:
    return {
        A: layer_spectrum(_layer(6, 8, size=3.0)),
        B: layer_spectrum(_layer(7, 8, out=200, into=100, size=0.1)),
    }


@settings(max_examples=25, deadline=None)
@given(error=st.floats(0.01, 0.99))
def test_an_error_is_kept_and_used(error: float) -> None:
    spectra = _spectra()
    total = sum(spectrum.energy for spectrum in spectra.values())
    ranks = ranks_within(spectra, error**2 * total)
    lost = lost_energy(spectra, ranks)
    assert lost <= error**2 * total
    next_up = [float(spectra[p].s[r - 1]) ** 2 for p, r in ranks.items()]
    assert lost + max(next_up, default=total) > error**2 * total


def test_cheap_directions_stay_longer() -> None:
    """Of two equal directions the one of the larger matrix goes, since it frees more bytes."""
    spectra = {A: layer_spectrum(LoRALayer(torch.ones(2, 1) / sqrt(2), torch.ones(1, 2) / sqrt(2)))}
    spectra[B] = layer_spectrum(LoRALayer(torch.ones(50, 1) / sqrt(50), torch.ones(1, 50) / sqrt(50)))
    assert ranks_within(spectra, 1.01) == {A: 1}
