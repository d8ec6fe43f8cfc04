"""Allocation against brute force and against truncating each LoRA alone, on every kind of collection."""

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import drain
from eigenlorax.lora import LoRA, LoRALayer, joined
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.subspace.allocate import Choice, Option, option_of, within_budget, within_error
from eigenlorax.subspace.basis import canonical, missed, project, reconstruct
from eigenlorax.subspace.fit import Fit, Goal, fit
from eigenlorax.subspace.frames import hosvd
from eigenlorax.subspace.options import options_of

PATHS = [ModulePath(Component.UNET, name) for name in ("a", "b", "c")]
SIZES = {PATHS[0]: (24, 16), PATHS[1]: (10, 30), PATHS[2]: (18, 18)}


def collection(shared: float, count: int, seed: int, rank: int = 3) -> list[LoRA]:
    """LoRAs whose updates have this share of their energy in one common subspace."""
    g = torch.Generator().manual_seed(seed)
    common = {
        p: (torch.randn(o, 4, generator=g), torch.randn(4, i, generator=g)) for p, (o, i) in SIZES.items()
    }
    loras = []
    for number in range(count):
        layers = {}
        for path, (out, into) in SIZES.items():
            mixed = (
                common[path][0] @ torch.randn(4, rank, generator=g),
                torch.randn(rank, 4, generator=g) @ common[path][1],
            )
            own = torch.randn(out, rank, generator=g), torch.randn(rank, into, generator=g)
            sides = []
            for (up, down), share in ((mixed, shared), (own, 1.0 - shared)):
                norm = float((up @ down).norm())
                sides.append(LoRALayer(up * share**0.5 / norm, down))
            layers[path] = joined(sides)
        loras.append(LoRA(f"l{number}", layers))
    return loras


def made(loras: list[LoRA], goal: Goal) -> Fit:
    return drain(fit(loras, {}, "layout", goal))


def true_error(loras: list[LoRA], result: Fit) -> float:
    """Sum over LoRAs of the relative squared error of what is kept, dense."""
    total = 0.0
    for lora in loras:
        projection = result.projections[lora.name]
        wrong = size = 0.0
        for path, layer in lora.layers.items():
            near = reconstruct(projection.cores[path], result.subspace.bases[path])
            near = joined([near, *([projection.residuals[path]] if path in projection.residuals else [])])
            dense = layer.up @ layer.down
            wrong += float((dense - near.up @ near.down).double().square().sum())
            size += float(dense.double().square().sum())
        total += wrong / size
    return total


def alone_error(loras: list[LoRA], budget: int) -> float:
    """The same for truncating each LoRA alone, its ranks given out greedily over all of them: the best there is."""
    drops = []
    for lora in loras:
        size = sum(canonical(layer).energy for layer in lora.layers.values())
        for path, layer in lora.layers.items():
            price = 2 * sum(SIZES[path])
            drops += [(float(s) ** 2 / size, price) for s in canonical(layer).s]
    error = float(len(loras))
    for drop, price in sorted(drops, key=lambda item: -item[0] / item[1]):
        if price <= budget:
            budget -= price
            error -= drop
    return error


def numbers_bytes(result: Fit) -> int:
    """Bytes of all numbers as they are held."""
    bases = result.subspace.bases.values()
    total = sum(2 * (b.stored_out.numel() + b.stored_into.numel()) for b in bases)
    for projection in result.projections.values():
        total += sum(core.nbytes for core in projection.cores.kept.values())
        total += sum(residual.nbytes for residual in projection.residuals.kept.values())
    return total


@settings(max_examples=40, deadline=None)
@given(
    shared=st.sampled_from([0.0, 0.3, 0.8, 1.0]), count=st.integers(1, 9), seed=st.integers(0, 99),
    share=st.floats(0.03, 0.9),
)  # fmt: skip
def test_never_worse_than_each_lora_alone_at_equal_bytes(
    shared: float, count: int, seed: int, share: float
) -> None:
    loras = collection(shared, count, seed)
    whole = sum(2 * layer.rank * sum(SIZES[path]) for lora in loras for path, layer in lora.layers.items())
    budget = max(int(share * whole), 400)
    result = made(loras, Goal(number_bytes=budget))
    assert numbers_bytes(result) <= budget
    assert true_error(loras, result) <= alone_error(loras, budget) * 1.01 + 1e-4


def test_sharing_is_used_where_there_is_any_and_wins_there() -> None:
    loras = collection(1.0, 9, 3)
    budget = 2400
    result = made(loras, Goal(number_bytes=budget))
    assert any(basis.core_shape[0] for basis in result.subspace.bases.values())
    assert true_error(loras, result) < 0.6 * alone_error(loras, budget)


@pytest.mark.parametrize("retain", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_a_quality_is_reached_and_hardly_exceeded(retain: float, shared: float) -> None:
    loras = collection(shared, 6, 1)
    result = made(loras, Goal(retain=retain))
    kept = 1.0 - true_error(loras, result) / len(loras)
    assert retain - 2e-3 <= kept <= retain + 0.08
    assert result.subspace.retain == pytest.approx(kept, abs=2e-3)


def test_importance_moves_bytes_to_what_matters() -> None:
    loras = collection(0.0, 3, 5)
    plain = made(loras, Goal(number_bytes=900))
    weighted = drain(
        fit(loras, {}, "layout", Goal(number_bytes=900), {p: 100.0 if p is PATHS[1] else 1.0 for p in PATHS})
    )

    def error_in(result: Fit, path: ModulePath) -> float:
        parts = [loras[n].layers[path] for n in range(3)]
        kept = [result.projections[f"l{n}"].residuals.get(path) for n in range(3)]
        return sum(
            float((x.up @ x.down - (k.up @ k.down if k else 0.0)).square().sum())
            for x, k in zip(parts, kept, strict=True)
        )

    assert error_in(weighted, PATHS[1]) < error_in(plain, PATHS[1])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), count=st.integers(1, 4), rank=st.integers(1, 5))
def test_options_tell_the_true_error_and_the_true_residual_spectrum(seed: int, count: int, rank: int) -> None:
    g = torch.Generator().manual_seed(seed)
    layers = [
        canonical(LoRALayer(torch.randn(12, rank, generator=g), torch.randn(rank, 9, generator=g)))
        for _ in range(count)
    ]
    weights = [float(torch.rand((), generator=g)) + 0.1 for _ in layers]
    frames = hosvd(layers, weights)
    for option in options_of(layers, weights, frames):
        basis = frames.first(option.k_out, option.k_in)
        spectrum = []
        for layer, w in zip(layers, weights, strict=True):
            dense = layer.p * layer.s @ layer.q.mT
            kept = (
                basis.out @ project(layer, basis) @ basis.into.mT if option.k_out else torch.zeros_like(dense)
            )
            spectrum += (torch.linalg.svdvals((dense - kept).double()) * w).square().tolist()
            rest = missed(layer, basis)
            torch.testing.assert_close(rest.p * rest.s @ rest.q.mT, dense - kept, rtol=0, atol=2e-3)
        assert option.error == pytest.approx(sum(spectrum), rel=2e-2, abs=1e-3)
        best = sorted(spectrum, reverse=True)
        for gain, truth in zip(option.gains, best, strict=False):
            assert gain == pytest.approx(truth, rel=3e-2, abs=2e-3)


def option(k: int, size: int, error: float, gains: tuple[float, ...], price: int = 10) -> Option:
    return Option(k, k, size, error, gains, price)


OPTIONS = {
    PATHS[0]: [option(0, 0, 10.0, (6.0, 3.0, 1.0)), option(2, 12, 5.0, (4.0, 1.0))],
    PATHS[1]: [option(0, 0, 8.0, (4.0, 4.0)), option(1, 8, 3.5, (2.0, 1.5)), option(3, 30, 0.0, ())],
}


@pytest.mark.parametrize("budget", range(0, 70, 3))
def test_against_brute_force(budget: int) -> None:
    every = [[Choice(o, n) for o in options for n in range(len(o.gains) + 1)] for options in OPTIONS.values()]
    fitting = [pair for pair in product(*every) if sum(choice.file_bytes for choice in pair) <= budget]
    best = min(sum(choice.error for choice in pair) for pair in fitting)
    found = within_budget(OPTIONS, budget).values()
    assert sum(choice.file_bytes for choice in found) <= budget
    # The Lagrangian finds the convex hull of what is possible; between its corners it may miss one step.
    assert sum(choice.error for choice in found) <= best + 4.0


@pytest.mark.parametrize("error", [0.0, 1.0, 4.0, 9.0, 18.0])
def test_an_error_is_kept_to(error: float) -> None:
    found = within_error(OPTIONS, error).values()
    assert sum(choice.error for choice in found) <= error + 1e-9


@pytest.mark.parametrize(
    ("goal", "words"), [(Goal(), "either"), (Goal(0.5, 100), "either"), (Goal(number_bytes=0), "choose more")]
)
def test_goals_that_cannot_be_meant(goal: Goal, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        made(collection(0.0, 1, 1), goal)


def test_few_modules_may_need_to_come_down_from_above_the_budget() -> None:
    """No price makes 70 bytes for both the best; from all for one and nothing for the other no step leads there."""
    modules = {
        path: [option(0, 0, 10.0, ()), option(8, 70, 4.8, ()), option(16, 100, 0.5, ())] for path in PATHS[:2]
    }
    found = within_budget(modules, 140).values()
    assert [choice.file_bytes for choice in found] == [70, 70]


@pytest.mark.parametrize("budget", range(0, 400, 23))
def test_steps_of_many_ranks_never_overspend(budget: int) -> None:
    gains = [2.0 ** (-rank / 40) for rank in range(600)]
    modules = {
        path: [option_of(0, 0, 0, sum(gains), gains, 3), option_of(2, 2, 60, 30.0, gains[90:], 3)]
        for path in PATHS
    }
    found = within_budget(modules, budget).values()
    assert sum(choice.file_bytes for choice in found) <= budget
    greedy = sum(sorted(gains * 3, reverse=True)[: budget // 3])
    assert sum(choice.error for choice in found) <= 3 * sum(gains) - greedy + 1e-9
