"""Cores and private ranks as stored: the smaller form, factors that stay factors, values made anew each time."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.subspace.kept_cores import DENSE, KeptCores, core_bytes, form_bytes, keep_core, padded_cores
from eigenlorax.subspace.kept_residuals import KeptResiduals, energy_of_residual, keep_residual
from eigenlorax.subspace.numbers import Numbers, parts, rank_bytes, raw

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
    assert size == kept.nbytes
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
    padded = padded_cores(KeptCores({PATH: kept}), {PATH: (15, 13)})
    wide = padded[PATH]
    assert wide.shape == (15, 13)
    assert not wide[12:].any() and not wide[:, 10:].any()
    torch.testing.assert_close(wide[:12, :10], kept.core, rtol=1e-6, atol=1e-6)
    assert padded.kept[PATH].nbytes == form_bytes(15, 13, kept.rank, numbers)
    again = padded_cores(padded, {PATH: (15, 13)})
    assert torch.equal(again[PATH], padded[PATH])
    assert padded.kept[PATH].rank == kept.rank


@settings(max_examples=30, deadline=None)
@given(rank=st.integers(1, 6), numbers=st.sampled_from(Numbers), seed=st.integers(0, 9999))
def test_private_ranks_are_rounded_once_and_tell_what_that_costs(
    rank: int, numbers: Numbers, seed: int
) -> None:
    g = torch.Generator().manual_seed(seed)
    exact = LoRALayer(torch.randn(12, rank, generator=g), torch.randn(rank, 10, generator=g))
    kept = keep_residual(exact, numbers)
    sides = [raw(tensor) for side in (kept.up, kept.down) for tensor in parts(side)]
    assert kept.rank == rank and kept.nbytes == sum(map(len, sides)) == rank * rank_bytes(12, 10, numbers)
    again = keep_residual(kept.layer, numbers)
    assert sides == [raw(tensor) for side in (again.up, again.down) for tensor in parts(side)]
    dense = exact.up @ exact.down
    wrong = float((kept.layer.up @ kept.layer.down - dense).double().square().sum())
    assert wrong <= (2e-2 if numbers is Numbers.INT8 else 1e-3) ** 2 * float(dense.double().square().sum())
    assert abs(energy_of_residual(exact, kept) - (exact.norm**2 - wrong)) <= 1e-5 * exact.norm**2


def test_only_the_stored_form_is_held_and_asking_what_there_is_opens_nothing() -> None:
    core = keep_core(_core(12, 10, 2, 1), 2, Numbers.INT8)
    residual = keep_residual(LoRALayer(torch.ones(12, 1), torch.ones(1, 10)), Numbers.INT8)
    other = ModulePath(Component.UNET, "y")
    for held, kept in ((KeptCores({PATH: core}), core), (KeptResiduals({PATH: residual}), residual)):
        assert held.kept == {PATH: kept} and list(held) == [PATH] and len(held) == 1
        assert PATH in held and other not in held and held.get(other) is None
        assert held[PATH] is not held[PATH]
    assert not KeptResiduals() and "core" not in vars(core)
