"""The peers are what they claim to be: exact where their own form holds, within their budgets elsewhere."""

from collections.abc import Callable

import pytest
import torch

from tests.benchmarks import peers
from tests.benchmarks.approximation import Method, error, synthetic, whole_bytes
from tests.benchmarks.diagonalisation import Factors, dense, diagonal, joint_dense, joint_diagonal
from tests.subspace.test_allocate import collection


@pytest.mark.parametrize(("solve", "is_diagonal"), [(dense, False), (diagonal, True)])
def test_joint_diagonalisation_finds_what_has_its_form(
    solve: Callable[[torch.Tensor, int], Factors], is_diagonal: bool
) -> None:
    g = torch.Generator().manual_seed(1)
    left, right = (torch.randn(n, 3, generator=g, dtype=torch.float64) for n in (12, 9))
    middle = torch.randn(8, 3, 3, generator=g, dtype=torch.float64)
    if is_diagonal:
        middle = torch.diag_embed(middle.diagonal(dim1=1, dim2=2))
    cores = left @ middle @ right.mT
    found = solve(cores, 3)
    wrong = sum(float((found.core(n) - cores[n]).square().sum()) for n in range(8))
    assert wrong < 1e-4 * float(cores.square().sum())
    assert found.middle.shape == ((8, 3) if is_diagonal else (8, 3, 3))


@pytest.mark.parametrize(
    "method", [peers.alone, peers.one_quality, peers.paper, peers.flattened, joint_dense, joint_diagonal]
)
def test_more_bytes_less_error_and_never_more_than_asked(method: Method) -> None:
    loras = collection(0.5, 6, 4)
    found = [method(loras, whole_bytes(loras) // ratio) for ratio in (2, 4)]
    errors = [error(loras, made) for made, _ in found]
    assert errors[0] < errors[1] <= 1.0
    assert all(size <= whole_bytes(loras) // ratio for (_, size), ratio in zip(found, (2, 4), strict=True))


@pytest.mark.skipif(not peers.HAS_VLORA, reason="vlora-dev is not installed")
def test_the_stand_in_is_what_the_package_does() -> None:
    loras = synthetic(0.3, one_seed=False, count=5, rank=4)
    budget = whole_bytes(loras) // 2
    (mine, size), (theirs, other) = peers.flattened(loras, budget), peers.vlora(loras, budget)
    assert size == other
    assert error(loras, mine) == pytest.approx(error(loras, theirs), rel=1e-5)


def test_one_seed_flatters() -> None:
    """LoRAs that share a start share input directions, though nothing was learned in common."""
    same, own = (synthetic(0.0, one_seed=seed, count=4, rank=4) for seed in (True, False))
    budget = whole_bytes(same) // 2
    assert error(same, peers.paper(same, budget)[0]) < 0.9 * error(own, peers.paper(own, budget)[0])
