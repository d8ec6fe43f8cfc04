"""Stored numbers: how far off they are, how many bytes they take, and that rounding them again changes nothing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.subspace.basis import canonical, empty_basis, project, stored_basis
from eigenlorax.subspace.numbers import (
    Int8Matrix,
    Kept,
    Numbers,
    Scaled,
    begins_with,
    beside,
    bytes_of,
    keep,
    parts,
    rank_bytes,
    raw,
    squared_error,
    value,
)
from eigenlorax.subspace.subspace import Subspace

SIZES = st.integers(0, 12)
PATH = ModulePath(Component.UNET, "x")


def _matrix(rows: int, columns: int, seed: int, exponent: int = 0) -> Tensor:
    """Random, with lines of very different sizes."""
    g = torch.Generator().manual_seed(seed)
    sizes = torch.randn(rows, 1, generator=g).exp() * torch.randn(columns, generator=g).exp()
    return torch.randn(rows, columns, generator=g) * sizes * 10.0**exponent


def _same(one: Kept, other: Kept) -> bool:
    return [raw(part) for part in parts(one)] == [raw(part) for part in parts(other)]


@settings(max_examples=60, deadline=None)
@given(
    rows=SIZES, columns=SIZES, scaled=st.sampled_from(Scaled), seed=st.integers(0, 9999),
    exponent=st.integers(-20, 20),
)  # fmt: skip
def test_int8_is_off_by_half_a_step_and_rounding_again_changes_nothing(
    rows: int, columns: int, scaled: Scaled, seed: int, exponent: int
) -> None:
    matrix = _matrix(rows, columns, seed, exponent)
    kept = keep(matrix, Numbers.INT8, scaled)
    if isinstance(kept, Int8Matrix):
        assert bool(((value(kept) - matrix).abs() <= 0.501 * kept.scales.float()).all())
        lines = kept.codes.abs().amax(0 if scaled is Scaled.COLUMN else 1)
        assert bool((lines == 127).all())
        assert float(squared_error(kept, matrix)) == pytest.approx(
            float((value(kept).double() - matrix.double()).square().sum())
        )
        assert _same(keep(value(kept), Numbers.INT8, scaled), kept)


def test_lines_of_zeros_stay_zero() -> None:
    kept = keep(torch.zeros(5, 3), Numbers.INT8)
    assert isinstance(kept, Int8Matrix)
    assert torch.equal(value(kept), torch.zeros(5, 3))
    assert _same(keep(value(kept), Numbers.INT8), kept)


@given(rows=SIZES, columns=SIZES, scaled=st.sampled_from(Scaled), numbers=st.sampled_from(Numbers))
def test_bytes_are_those_of_the_tensors_and_int8_is_never_larger(
    rows: int, columns: int, scaled: Scaled, numbers: Numbers
) -> None:
    kept = keep(_matrix(rows, columns, 1), numbers, scaled)
    size = sum(len(raw(part)) for part in parts(kept))
    assert size == bytes_of(rows, columns, numbers, scaled) <= 2 * rows * columns


def test_a_private_rank_is_a_column_and_a_row() -> None:
    assert rank_bytes(640, 320, Numbers.FP16) == 2 * 960
    assert rank_bytes(640, 320, Numbers.INT8) == 960 + 4
    assert rank_bytes(640, 1, Numbers.INT8) == 640 + 2 + 2


@pytest.mark.parametrize("rows", [320, 10_240])
def test_what_int8_costs_and_that_cutting_large_numbers_would_not_save_it(rows: int) -> None:
    matrix = torch.randn(rows, 32, generator=torch.Generator().manual_seed(3))
    error = float(squared_error(keep(matrix, Numbers.INT8), matrix))
    assert 4e-5 < error / float(matrix.square().sum()) < 9e-5
    least = torch.full((32,), torch.inf)
    for clip in torch.linspace(0.5, 1.0, 51):
        step = clip * matrix.abs().amax(0) / 127
        off = (matrix / step).round().clamp(-127, 127) * step - matrix
        least = torch.minimum(least, off.square().sum(0))
    assert error < 1.07 * float(least.sum())


@pytest.mark.parametrize("numbers", Numbers)
def test_further_columns_leave_the_old_ones(numbers: Numbers) -> None:
    left, right = _matrix(9, 3, 1), _matrix(9, 2, 2)
    kept = keep(left, numbers)
    wide = beside(kept, right)
    assert _same(wide, keep(torch.cat([left, right], 1), numbers))
    assert begins_with(wide, kept) and begins_with(kept, keep(left[:, :0], numbers))
    assert not begins_with(kept, wide)
    assert not begins_with(wide, keep(right, numbers))
    assert not begins_with(wide, keep(2.0 * left, numbers))
    assert not begins_with(wide, keep(left, next(other for other in Numbers if other is not numbers)))


def test_an_int8_basis_is_orthonormal_and_holds_what_the_exact_one_holds() -> None:
    g = torch.Generator().manual_seed(4)
    layer = LoRALayer(torch.randn(90, 6, generator=g), torch.randn(6, 70, generator=g))
    form = canonical(layer)
    basis = stored_basis(form.p, form.q, Numbers.INT8)
    assert basis.numbers is Numbers.INT8
    for side in (basis.out, basis.into):
        torch.testing.assert_close(side.mT @ side, torch.eye(6), rtol=0, atol=1e-6)
    kept = float(project(form, basis).square().sum()) / form.energy
    assert 1.0 - 3e-4 < kept <= 1.0 + 1e-6


def test_the_hash_covers_codes_scales_and_what_numbers_are_meant() -> None:
    def hashed(*bases: object) -> str:
        return Subspace({PATH: bases[0]}, "layout", {}, 1.0).hash  # type: ignore[dict-item]

    out, into = _matrix(8, 2, 5), _matrix(6, 2, 6)
    basis = stored_basis(out, into, Numbers.INT8)
    # Twice the matrix has the same codes and other scales.
    found = [
        hashed(basis), hashed(stored_basis(2.0 * out, into, Numbers.INT8)), hashed(stored_basis(out, into)),
        hashed(empty_basis(8, 6)), hashed(empty_basis(8, 6, Numbers.INT8)),
    ]  # fmt: skip
    assert len(set(found)) == len(found)
