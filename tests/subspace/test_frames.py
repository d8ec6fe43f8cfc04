"""Frames shared by a collection: strong adapters are tempered, HOOI is never worse, certificates hold."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenlorax.lora import LoRALayer
from eigenlorax.subspace.basis import Basis, canonical, project
from eigenlorax.subspace.frames import hooi, hosvd
from eigenlorax.subspace.options import options_of
from eigenlorax.subspace.range_finder import RangeFinder


def _layer(rows: int, columns: int, rank: int, seed: int) -> LoRALayer:
    g = torch.Generator().manual_seed(seed)
    return LoRALayer(torch.randn(rows, rank, generator=g), torch.randn(rank, columns, generator=g))


def test_a_strong_adapter_does_not_take_the_basis() -> None:
    weak, strong = _layer(16, 16, 2, 1), _layer(16, 16, 2, 2).scaled(100.0)
    forms = [canonical(weak), canonical(strong)]
    weights = [form.energy**-0.5 for form in forms]
    core = project(forms[0], hosvd(forms, weights).first(2, 2))
    alone = project(forms[0], hosvd(forms, [1.0, 1.0]).first(2, 2))
    assert float(core.square().sum()) > 4 * float(alone.square().sum())


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 9999), k_out=st.integers(1, 5), k_in=st.integers(1, 5))
def test_hooi_is_never_worse_and_within_the_certificates(seed: int, k_out: int, k_in: int) -> None:
    layers = [canonical(_layer(14, 11, 2, seed + number)) for number in range(4)]
    weights = [1.0 / form.energy**0.5 for form in layers]
    frames = hosvd(layers, weights)
    start = frames.first(k_out, k_in)
    better = hooi(layers, weights, start)

    def missed_energy(basis: Basis) -> float:
        return sum(
            1.0 - w * w * float(project(form, basis).square().sum())
            for form, w in zip(layers, weights, strict=True)
        )

    tails = (frames.energy_out[k_out:].sum(), frames.energy_in[k_in:].sum())
    bound = float(max(tails))
    assert missed_energy(better) <= missed_energy(start) + 1e-6
    assert missed_energy(better) >= bound - 2e-3  # no basis of these sizes does better than the larger tail
    assert missed_energy(start) <= float(sum(tails)) + 2e-3


def test_frames_of_a_wide_stack_are_those_of_a_narrow_one_where_it_matters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same collection, decomposed whole and sketched: the shared directions and the options agree."""
    g = torch.Generator().manual_seed(4)
    out, into = torch.randn(90, 6, generator=g), torch.randn(6, 70, generator=g)
    layers = [
        canonical(LoRALayer(out @ torch.randn(6, 3, generator=g), torch.randn(3, 6, generator=g) @ into))
        for _ in range(30)
    ]
    weights = [1.0 / layer.energy**0.5 for layer in layers]
    whole = hosvd(layers, weights)
    monkeypatch.setattr(RangeFinder.__init__, "__defaults__", (40, 20))
    sketched = hosvd(layers, weights)
    assert sketched.out.shape[1] <= 20
    for one, other in ((whole.out, sketched.out), (whole.into, sketched.into)):
        torch.testing.assert_close(
            one[:, :6] @ one[:, :6].mT, other[:, :6] @ other[:, :6].mT, rtol=0, atol=1e-4
        )
    total = float(sum(w * w * layer.energy for layer, w in zip(layers, weights, strict=True)))
    assert float(sketched.energy_out.sum()) + sketched.tail_out == pytest.approx(total, rel=1e-6)
    first, second = options_of(layers, weights, whole)[-1], options_of(layers, weights, sketched)[-1]
    assert second.error == pytest.approx(first.error, abs=1e-5 * total)
