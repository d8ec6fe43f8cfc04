"""Directions outside the columns: those of the dense gradient, and probes that change nothing."""

import torch
from torch import Tensor

from eigenlorax.module_path import Component, ModulePath
from eigenlorax.runtime.live import StackedUpdate
from eigenlorax.training.gradient import outside_gradient
from eigenlorax.training.predictor import Updates

PATH = ModulePath(Component.UNET, "mid_block.to_q")
OUT, INTO, K = 24, 20, 3


def update(chance: torch.Generator) -> StackedUpdate:
    out = torch.linalg.qr(torch.randn(OUT, K, generator=chance))[0]
    into = torch.linalg.qr(torch.randn(INTO, K, generator=chance))[0]
    cores = torch.randn(1, K, K, generator=chance)
    nothing = torch.zeros(OUT, 0), torch.zeros(0, INTO), torch.zeros(0, dtype=torch.long)
    return StackedUpdate(out, into, cores, *nothing)


def dense(one: StackedUpdate) -> Tensor:
    return one.out @ one.cores[0] @ one.into.mT + one.up @ one.down


def test_directions_are_those_of_the_dense_gradient() -> None:
    chance = torch.Generator().manual_seed(0)
    own = update(chance)
    # A gradient of rank 4 outside the columns, and much of it inside them.
    gradient = torch.randn(OUT, 4, generator=chance) @ torch.randn(4, INTO, generator=chance)
    gradient = gradient + 5.0 * own.out @ torch.randn(K, INTO, generator=chance)
    halves = (0.25 * gradient, 0.75 * gradient)
    losses = [lambda updates, part=part: (part * dense(updates[PATH])).sum() for part in halves]
    seen: list[Tensor] = []

    def watched(updates: Updates) -> Tensor:
        seen.append(dense(updates[PATH]).detach())
        return losses[0](updates)

    found = outside_gradient({PATH: own}, [watched, losses[1]], 2, torch.Generator().manual_seed(1))[PATH]
    torch.testing.assert_close(seen[0], dense(own))
    left = torch.eye(OUT) - own.out @ own.out.mT
    right = torch.eye(INTO) - own.into @ own.into.mT
    outside = left @ gradient @ right
    values = torch.linalg.svdvals(outside)
    torch.testing.assert_close(found.left.mT @ found.left, torch.eye(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.right.mT @ own.into, torch.zeros(2, K), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.left.mT @ own.out, torch.zeros(2, K), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        (found.left.mT @ outside @ found.right).diagonal(), values[:2], rtol=1e-4, atol=0
    )
    torch.testing.assert_close(found.size, 1024.0 * values[:2], rtol=1e-4, atol=0)


def test_a_module_that_the_loss_never_meets_has_no_direction() -> None:
    own = update(torch.Generator().manual_seed(0))
    still = outside_gradient(
        {PATH: own}, [lambda _: torch.zeros((), requires_grad=True)], 2, torch.Generator()
    )
    assert still[PATH].left.shape == (OUT, 0)
    assert still[PATH].right.shape == (INTO, 0)


def test_columns_that_fill_the_space_leave_nothing_outside() -> None:
    full = StackedUpdate(
        torch.eye(4), torch.eye(5), torch.zeros(1, 4, 5),
        torch.zeros(4, 0), torch.zeros(0, 5), torch.zeros(0, dtype=torch.long),
    )  # fmt: skip
    found = outside_gradient({PATH: full}, [lambda u: dense(u[PATH]).sum()], 2, torch.Generator())[PATH]
    assert found.size.numel() == 0
