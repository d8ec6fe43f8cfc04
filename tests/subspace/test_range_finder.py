"""The strongest directions of a stack in pieces, against the SVD of the whole stack."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from eigenlorax.subspace.range_finder import Range, RangeFinder


def _pieces(rows: int, widths: list[int], seed: int, common: int = 0) -> list[Tensor]:
    """Random pieces; with `common` columns that all of them share beside some noise."""
    g = torch.Generator().manual_seed(seed)
    shared = torch.randn(rows, common, generator=g)
    return [
        shared @ torch.randn(common, width, generator=g) + torch.randn(rows, width, generator=g) * 0.05**bool(common)
        for width in widths
    ]  # fmt: skip


def _found(pieces: list[Tensor], exact: int, most: int) -> tuple[Range, int]:
    finder, passes = RangeFinder(torch.Generator().manual_seed(5), exact, most), 0
    while not finder.is_done:
        for piece in pieces:
            finder.take(piece)
        finder.end_pass()
        passes += 1
    return finder.found, passes


def _seen(columns: Tensor, pieces: list[Tensor]) -> Tensor:
    return torch.stack([(columns.double().mT @ piece.double()).square().sum(1) for piece in pieces]).sum(0)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 40), widths=st.lists(st.integers(1, 6), min_size=1, max_size=9), seed=st.integers(0, 999),
    exact=st.integers(1, 60), most=st.integers(2, 20),
)  # fmt: skip
def test_energies_are_those_of_the_columns_given_and_the_tail_is_the_rest(
    rows: int, widths: list[int], seed: int, exact: int, most: int
) -> None:
    pieces = _pieces(rows, widths, seed)
    found, passes = _found(pieces, exact, most)
    total = sum(float(piece.double().square().sum()) for piece in pieces)
    count = found.columns.shape[1]
    torch.testing.assert_close(found.columns.mT @ found.columns, torch.eye(count), rtol=0, atol=2e-5)
    torch.testing.assert_close(_seen(found.columns, pieces), found.energy, rtol=1e-4, atol=1e-5 * total)
    assert bool((found.energy.diff() <= 1e-9 * total).all())
    assert float(found.energy.sum()) + found.tail == pytest.approx(total, rel=1e-6)
    is_sketched = sum(widths) > exact and rows > exact
    assert passes == (3 if is_sketched else 1)
    if sum(widths) > exact:
        assert count <= most
    if not is_sketched:
        truth = torch.linalg.svdvals(torch.cat(pieces, 1).double()).square()
        torch.testing.assert_close(found.energy, truth[:count], rtol=1e-4, atol=1e-6 * total)
        assert found.tail == pytest.approx(float(truth[count:].sum()), abs=1e-6 * total)


def test_a_sketch_finds_what_is_there_and_states_the_error_of_the_rest() -> None:
    pieces = _pieces(300, [5] * 80, seed=1, common=12)
    found, _ = _found(pieces, exact=100, most=40)
    truth = torch.linalg.svdvals(torch.cat(pieces, 1).double()).square()
    torch.testing.assert_close(found.energy[:12], truth[:12], rtol=1e-6, atol=0)
    best = float(truth[40:].sum())
    assert best <= found.tail * (1 + 1e-9)
    assert found.tail < 1.1 * best


def test_more_columns_never_leave_a_larger_tail() -> None:
    pieces = _pieces(200, [4] * 60, seed=2, common=5)
    tails = [_found(pieces, exact=50, most=most)[0].tail for most in (5, 10, 20, 40)]
    assert tails == sorted(tails, reverse=True)
    assert tails[-1] < tails[0]


def test_the_same_every_time() -> None:
    pieces = _pieces(120, [4] * 40, seed=3)
    first, again = (_found(pieces, exact=30, most=10)[0] for _ in range(2))
    assert torch.equal(first.columns, again.columns) and torch.equal(first.energy, again.energy)


@pytest.mark.parametrize(("rows", "exact"), [(6, 100), (60, 100), (6, 10), (60, 10)])
def test_a_stack_of_zeros_has_one_column(rows: int, exact: int) -> None:
    found, _ = _found([torch.zeros(rows, 4)] * 5, exact, most=3)
    assert found.columns.shape == (rows, 1)
    assert float(found.columns.norm()) == pytest.approx(1.0)
    assert found.energy.tolist() == [0.0] and found.tail == 0.0


def test_what_is_not_finished_is_not_given_out() -> None:
    finder = RangeFinder(torch.Generator())
    with pytest.raises(ValueError, match="often enough"):
        _ = finder.found
    with pytest.raises(ValueError, match="at least one"):
        finder.end_pass()


def test_what_is_not_wanted_is_tail() -> None:
    pieces = _pieces(30, [4] * 5, seed=6)
    everything, _ = _found(pieces, exact=50, most=10)
    finder = RangeFinder(torch.Generator(), 50, 10, wanted=3)
    for piece in pieces:
        finder.take(piece)
    finder.end_pass()
    torch.testing.assert_close(finder.found.columns, everything.columns[:, :3])
    assert finder.found.tail == pytest.approx(float(everything.energy[3:].sum()), rel=1e-6)
