"""Cores on disk: the smaller form, and factors that stay factors."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenlorax.module_path import Component, ModulePath
from eigenlorax.subspace.kept_cores import DENSE, KeptCores, core_bytes, keep_core, padded_cores
from eigenlorax.subspace.numbers import Numbers, parts, raw

PATH = ModulePath(Component.UNET, "x")


def _core(k_out: int, k_in: int, rank: int, seed: int) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    return torch.randn(k_out, rank, generator=g) @ torch.randn(rank, k_in, generator=g)


@settings(max_examples=60, deadline=None)
@given(
    k_out=st.integers(0, 14), k_in=st.integers(0, 14), rank=st.integers(1, 4), known=st.booleans(),
    numbers=st.sampled_from(Numbers), seed=st.integers(0, 9999),
)  # fmt: skip
def test_a_core_is_kept_in_the_fewest_bytes(
    k_out: int, k_in: int, rank: int, known: bool, numbers: Numbers, seed: int
) -> None:
    core = _core(k_out, k_in, rank, seed)
    kept = keep_core(core, rank if known else 0, numbers)
    size = sum(len(raw(tensor)) for part in kept.parts for tensor in parts(part))
    assert size == core_bytes(k_out, k_in, rank if known else 0, numbers)
    assert size <= core_bytes(k_out, k_in, 0, numbers) <= 2 * k_out * k_in
    assert kept.shape == kept.core.shape == core.shape
    worst = 3e-2 if numbers is Numbers.INT8 else 1e-3
    assert float((kept.core - core).norm()) <= worst * float(core.norm())


@settings(max_examples=30, deadline=None)
@given(rank=st.sampled_from([1, 2, 12]), numbers=st.sampled_from(Numbers), seed=st.integers(0, 9999))
def test_zeros_behind_a_core_change_nothing_of_it(rank: int, numbers: Numbers, seed: int) -> None:
    core = _core(12, 10, rank, seed)
    kept = keep_core(core, rank, numbers)
    assert (kept.rank == DENSE) == (rank == 12)
    for cores in (KeptCores({PATH: kept}), {PATH: kept.core}):
        wide = padded_cores(cores, {PATH: (15, 13)})[PATH]
        assert wide.shape == (15, 13)
        assert not wide[12:].any() and not wide[:, 10:].any()
        torch.testing.assert_close(wide[:12, :10], kept.core, rtol=1e-6, atol=1e-6)
    padded = padded_cores(KeptCores({PATH: kept}), {PATH: (15, 13)})
    assert isinstance(padded, KeptCores)
    again = padded_cores(padded, {PATH: (15, 13)})
    assert torch.equal(again[PATH], padded[PATH])
    assert padded.kept[PATH].rank == kept.rank
