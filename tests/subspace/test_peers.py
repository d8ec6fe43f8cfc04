"""A style's peers, against dense matrices and random draws."""

from dataclasses import asdict, replace
from math import sqrt

import pytest
import torch

from eigenlorax.events import drain
from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.subspace.fidelity import Fidelity
from eigenlorax.subspace.fit import Goal, fit
from eigenlorax.subspace.peers import users, with_peers
from eigenlorax.subspace.style import Style, blend_layers
from eigenlorax.subspace.subspace import Subspace

A, B = ModulePath(Component.UNET, "a"), ModulePath(Component.UNET, "b")
OUT, INTO = 40, 30
WEIGHTS = {A: 1.0, B: 3.0}


def _lora(name: str, seed: int, shared: float = 0.0, paths: tuple[ModulePath, ...] = (A, B)) -> LoRA:
    own, common = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(99)
    layers = {}
    for path in paths:
        up, down = torch.randn(OUT, 4, generator=own), torch.randn(4, INTO, generator=own)
        frame, rows = torch.randn(OUT, 3, generator=common), torch.randn(3, INTO, generator=common)
        middle = torch.randn(3, 3, generator=own) * sqrt(shared)
        layers[path] = LoRALayer(
            torch.cat([up * sqrt(1 - shared), frame @ middle], 1), torch.cat([down, rows])
        )
    return LoRA(name, layers)


def _made(loras: list[LoRA], goal: Goal) -> tuple[Subspace, dict[str, Style]]:
    made = drain(fit(loras, {}, "layout", goal, WEIGHTS))
    return made.subspace, made.styles({lora.name: () for lora in loras})


def _told(loras: list[LoRA], goal: Goal) -> tuple[Subspace, dict[str, Style], dict[str, Fidelity]]:
    subspace, styles = _made(loras, goal)
    sharers = users(styles)
    told = {x.name: with_peers(styles[x.name], x, subspace, WEIGHTS, sharers) for x in loras}
    return subspace, styles, told


def _dense(layer: LoRALayer) -> torch.Tensor:
    return layer.up.double() @ layer.down.double()


FAMILY = [_lora(str(i), i, 0.8) for i in range(12)]


@pytest.mark.parametrize(
    ("loras", "goal"),
    [(FAMILY, Goal(retain=0.8)), (FAMILY, Goal(number_bytes=9_000)), (FAMILY[:3], Goal(retain=0.9))],
)
def test_errors_are_those_of_the_dense_matrices(loras: list[LoRA], goal: Goal) -> None:
    subspace, styles, told = _told(loras, goal)
    for lora in loras:
        layers = blend_layers(subspace, styles, {lora.name: 1.0})
        missed = {p: float((_dense(lora.layers[p]) - _dense(layers[p])).square().sum()) for p in (A, B)}
        energy = {p: float(_dense(lora.layers[p]).square().sum()) for p in (A, B)}
        found = told[lora.name]
        effect = sum(WEIGHTS[p] * missed[p] for p in (A, B)) / sum(WEIGHTS[p] * energy[p] for p in (A, B))
        assert found.effect_error == pytest.approx(sqrt(effect), rel=1e-4)
        tail = 0.0
        for path in (A, B):
            rank = int(torch.linalg.matrix_rank(_dense(layers[path]), rtol=1e-5))
            tail += float(torch.linalg.svdvals(_dense(lora.layers[path]))[rank:].square().sum())
        assert found.own_error == pytest.approx(sqrt(tail / sum(energy.values())), abs=1e-5)
        assert found.own_error <= sqrt(sum(missed.values()) / sum(energy.values())) + 1e-6
        inside = sum(
            float(
                (subspace.bases[p].out.double().mT @ _dense(lora.layers[p]) @ subspace.bases[p].into.double())
                .square()
                .sum()
            )
            for p in (A, B)
        )
        assert found.shared_kept == pytest.approx(inside / sum(energy.values()), rel=1e-3)  # rounded once


def test_chance_is_the_mean_of_random_loras_of_the_same_strengths() -> None:
    subspace, _, told = _told(FAMILY, Goal(number_bytes=9_000))
    assert all(basis.core_shape[0] for basis in subspace.bases.values())
    draw = torch.Generator().manual_seed(1)
    lora, kept = FAMILY[0], []
    spectra = {p: torch.linalg.svdvals(_dense(lora.layers[p]))[:7] for p in (A, B)}
    for _ in range(300):
        inside = 0.0
        for path, basis in subspace.bases.items():
            p = torch.linalg.qr(torch.randn(OUT, 7, generator=draw, dtype=torch.float64))[0]
            q = torch.linalg.qr(torch.randn(INTO, 7, generator=draw, dtype=torch.float64))[0]
            core = basis.out.double().mT @ (p * spectra[path]) @ (q.mT @ basis.into.double())
            inside += float(core.square().sum())
        kept.append(inside / sum(float(s.square().sum()) for s in spectra.values()))
    draws = torch.tensor(kept)
    expected = told["0"].random_kept
    assert expected == pytest.approx(float(draws.mean()), abs=5 * float(draws.std()) / sqrt(len(kept)))
    assert expected is not None and told["0"].shared_kept is not None
    assert told["0"].shared_kept > 3 * expected  # what was planted is far above chance


def test_equal_bytes_buy_the_best_columns_and_no_more() -> None:
    """The only columns that fit are bought: by hand, for a style of which every byte is known."""
    lora = LoRA(
        "x",
        {
            A: LoRALayer(torch.eye(OUT)[:, :2] * torch.tensor([4.0, 1.0]), torch.eye(INTO)[:2]),
            B: LoRALayer(torch.eye(OUT)[:, :1] * 3.0, torch.eye(INTO)[:1]),
        },
    )
    one_column = 2 * (OUT + INTO)
    subspace, styles = _made([lora], Goal(number_bytes=one_column))
    assert styles["x"].residuals.keys() == {B}  # 3 * 3^2 outweighs 4^2
    found = with_peers(styles["x"], lora, subspace, WEIGHTS, users(styles))
    assert found.alone_bytes == one_column
    assert found.alone_error == pytest.approx(sqrt(17 / 26)) == found.weight_error
    assert found.alone_effect_error == pytest.approx(sqrt(17 / 44)) == pytest.approx(found.effect_error)
    assert not found.loses and found.remark == ""
    plain = with_peers(styles["x"], lora, subspace, dict.fromkeys(WEIGHTS, 1.0), users(styles))
    assert plain.alone_error == pytest.approx(sqrt(10 / 26))
    assert plain.loses and "its own SVD at equal bytes is nearer (error 0.620, here 0.809" in plain.remark


def test_rounding_alone_is_no_loss() -> None:
    """A style that differs from its LoRA's own truncation by the int8 of its numbers is as near as that."""
    kept = Fidelity(0.99, "a", 0.99, 0, original_bytes=1, alone_effect_error=0.0334)
    assert not replace(kept, effect_error=0.0351).loses  # 1.2e-4 of the squared effect
    assert replace(kept, effect_error=0.0400).loses
    assert not replace(kept, alone_effect_error=0.900, effect_error=0.905).loses  # within a hundredth
    assert replace(kept, alone_effect_error=0.900, effect_error=0.915).loses


def test_a_stranger_loses_where_it_pays_for_columns_that_hold_little_of_it() -> None:
    subspace, styles, _ = _told([*FAMILY, _lora("stranger", 500)], Goal(number_bytes=9_000))
    bare = Style("stranger", styles["stranger"].cores, subspace.hash, styles["stranger"].fidelity)
    found = with_peers(bare, _lora("stranger", 500), subspace, WEIGHTS, {A: 1, B: 1})
    assert found.loses and found.remark
    family = with_peers(styles["0"], FAMILY[0], subspace, WEIGHTS, users(styles))
    assert not family.loses


def test_each_pays_its_part_of_the_bases_and_its_own_numbers() -> None:
    loras = [*FAMILY[:-1], _lora("half", 3, 0.8, (A,))]
    subspace, styles, told = _told(loras, Goal(number_bytes=9_000))
    paid = sum(fidelity.alone_bytes for fidelity in told.values())
    stored = sum(2 * (b.stored_out.numel() + b.stored_into.numel()) for b in subspace.bases.values())
    for style in styles.values():
        stored += sum(2 * (x.up.numel() + x.down.numel()) for x in style.residuals.values())
        for core in style.cores.values():
            k_out, k_in = core.shape
            stored += 2 * min(core.numel(), min(7, k_out, k_in) * (k_out + k_in))
    assert paid == pytest.approx(stored, abs=len(loras))


def test_what_changes_nothing_and_old_figures_have_no_peers() -> None:
    zero = LoRA("zero", {A: LoRALayer(torch.zeros(OUT, 2), torch.zeros(2, INTO))})
    subspace, styles = _made([zero], Goal(retain=0.9))
    found = with_peers(styles["zero"], zero, subspace, WEIGHTS, users(styles))
    assert found == styles["zero"].fidelity and found.alone_error is None and not found.loses
    old = {k: v for k, v in asdict(found).items() if k in ("energy_kept", "worst_module", "worst_kept")}
    assert Fidelity(**old, zero_modules=0, original_bytes=1).remark == ""
