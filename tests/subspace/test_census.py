"""A census against dense matrices, and against collections whose structure is known because it was planted."""

from collections.abc import Sequence

import pytest
import torch

from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import drain
from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspace.basis import canonical
from eigenlorax.subspace.census import Census, take_census
from eigenlorax.subspace.clusters import cluster
from tests import tiny

A, B = ModulePath(Component.UNET, "a"), ModulePath(Component.TEXT_ENCODER, "text_model.b")
OUT, INTO = 40, 30


def _layer(seed: int, rank: int = 3, out: int = OUT, into: int = INTO) -> LoRALayer:
    g = torch.Generator().manual_seed(seed)
    return LoRALayer(torch.randn(out, rank, generator=g), torch.randn(rank, into, generator=g))


def _planted(shared: float, count: int = 8, rank: int = 3, size: int = 120) -> list[LoRA]:
    """LoRAs with `shared` of their energy in one common pair of frames, the rest along directions of their own."""
    g = torch.Generator().manual_seed(11)
    own = rank * count
    out, into = (torch.linalg.qr(torch.randn(size, rank + own, generator=g))[0] for _ in range(2))
    loras = []
    for index in range(count):
        mine = slice(rank + rank * index, rank + rank * (index + 1))
        parts = []
        for columns, share in ((slice(0, rank), shared), (mine, 1.0 - shared)):
            middle = torch.linalg.qr(torch.randn(rank, rank, generator=g))[0] * share**0.5
            parts.append((out[:, columns] @ middle, into[:, columns].mT))
        up, down = torch.cat([p[0] for p in parts], dim=1), torch.cat([p[1] for p in parts])
        loras.append(LoRA(f"p{index}", {A: LoRALayer(up, down)}))
    return loras


def _census(loras: Sequence[LoRA]) -> Census:
    return drain(take_census(loras))


def _dense(layer: LoRALayer) -> torch.Tensor:
    return layer.up.double() @ layer.down.double()


def _mixed() -> list[LoRA]:
    """Two modules, one of which a LoRA lacks; ranks and strengths differ."""
    return [
        LoRA("one", {A: _layer(1, 2), B: _layer(2, 3, 20, 16)}),
        LoRA("two", {A: _layer(3, 5).scaled(7.0), B: _layer(4, 1, 20, 16)}),
        LoRA("three", {A: _layer(5, 4).scaled(0.1)}),
        LoRA("four", {A: _layer(6, 3), B: _layer(7, 2, 20, 16).scaled(3.0)}),
    ]


def _span(layers: Sequence[LoRALayer]) -> tuple[torch.Tensor, torch.Tensor]:
    out = torch.cat([layer.up.double() for layer in layers], dim=1)
    into = torch.cat([layer.down.double().mT for layer in layers], dim=1)
    spans = []
    for side in (out, into):
        u, s, _ = torch.linalg.svd(side, full_matrices=False)
        spans.append(u[:, s > 1e-5 * s[0]])
    return spans[0], spans[1]


def test_norms_tails_and_cosines_are_the_dense_ones() -> None:
    loras = _mixed()
    census = _census(loras)
    flat = [
        torch.cat([_dense(lora.layers[p]).flatten() if p in lora.layers else torch.zeros(size, dtype=torch.float64)
                   for p, size in ((A, OUT * INTO), (B, 320))])
        for lora in loras
    ]  # fmt: skip
    for member, lora, vector in zip(census.members, loras, flat, strict=True):
        assert member.norm == pytest.approx(float(vector.norm()), rel=1e-5)
        for rank, lost in member.tails.items():
            spectra = [torch.linalg.svdvals(_dense(layer)) for layer in lora.layers.values()]
            dense = sum(float(s[rank:].square().sum()) for s in spectra) / member.norm**2
            assert lost == pytest.approx(dense, abs=1e-5)
    for i, row in enumerate(census.cosines):
        for j, value in enumerate(row):
            assert value == pytest.approx(
                float(flat[i] @ flat[j] / flat[i].norm() / flat[j].norm()), abs=1e-5
            )
    nearest = max((1, 2, 3), key=lambda j: census.cosines[0][j])
    assert (census.members[0].nearest, census.members[0].cosine) == (
        loras[nearest].name,
        pytest.approx(census.cosines[0][nearest]),
    )


def test_coverage_is_the_dense_projection_on_the_span_of_the_others() -> None:
    loras = _mixed()
    for member, lora in zip(_census(loras).members, loras, strict=True):
        inside = chance = 0.0
        for path, layer in lora.layers.items():
            out, into = _span(
                [other.layers[path] for other in loras if other is not lora and path in other.layers]
            )
            inside += float((out.mT @ _dense(layer) @ into).square().sum())
            share = out.shape[1] / out.shape[0] * into.shape[1] / into.shape[0]
            chance += share * float(_dense(layer).square().sum())
        assert member.coverage == pytest.approx(inside / member.norm**2, abs=1e-5)
        assert member.expected == pytest.approx(chance / member.norm**2, abs=1e-5)


def test_each_step_of_saturation_is_the_dense_projection_too() -> None:
    loras = [LoRA(str(i), {A: _layer(i, 1 + i)}) for i in range(5)]
    census = _census(loras)
    g = torch.Generator().manual_seed(0)
    orders = [torch.randperm(5, generator=g).tolist() for _ in range(3)]
    assert census.others == (1, 2, 4)
    for n, mean in zip(census.others, census.saturation, strict=True):
        covered = []
        for index, lora in enumerate(loras):
            for order in orders:
                others = [other for other in order if other != index][:n]
                out, into = _span([loras[other].layers[A] for other in others])
                dense = _dense(lora.layers[A])
                covered.append(float((out.mT @ dense @ into).square().sum() / dense.square().sum()))
        assert mean == pytest.approx(sum(covered) / len(covered), abs=1e-5)


def test_spectra_and_certificates_are_those_of_the_dense_stack() -> None:
    loras = [LoRA(str(seed), {A: _layer(seed)}) for seed in range(4)]
    census = _census(loras)
    dense = [_dense(lora.layers[A]) / _dense(lora.layers[A]).norm() for lora in loras]
    spectra = [
        torch.linalg.svdvals(torch.cat(stack, dim=1)).square() for stack in (dense, [d.mT for d in dense])
    ]
    left, right = (
        torch.linalg.svd(torch.cat(stack, dim=1), full_matrices=False)[0]
        for stack in (dense, [d.mT for d in dense])
    )
    cores = [(left.mT @ d @ right).square() for d in dense]
    (certificate,) = census.certificates
    assert certificate.energy == pytest.approx(1.0)
    for position, k in enumerate(census.directions):
        kept = [float(s[:k].sum()) / 4 for s in spectra]
        assert census.out.kept[position] == pytest.approx(kept[0], abs=1e-5)
        assert census.into.kept[position] == pytest.approx(kept[1], abs=1e-5)
        assert certificate.bound[position] == pytest.approx(1.0 - min(kept), abs=1e-5)
        lost = 1.0 - sum(float(core[:k, :k].sum()) for core in cores) / 4
        assert certificate.hosvd[position] == pytest.approx(lost, abs=1e-5)
        assert (
            certificate.bound[position]
            <= certificate.hosvd[position]
            <= 2 * certificate.bound[position] + 1e-9
        )
    assert census.bound == pytest.approx(certificate.bound) and census.hosvd == pytest.approx(
        certificate.hosvd
    )


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_what_was_planted_is_found(shared: float) -> None:
    census = _census(_planted(shared))
    for member in census.members:
        assert member.coverage == pytest.approx(shared, abs=1e-3)
    assert census.saturation == pytest.approx([shared] * len(census.others), abs=1e-3)
    at_three = census.directions.index(3)
    own = 3 / 24 * (1.0 - shared)  # three of 24 equal private directions
    assert census.out.kept[at_three] == pytest.approx(max(shared, own), abs=1e-3)
    if shared == 1.0:
        assert census.out.kept[at_three] - census.out.random[at_three] > 0.6
        assert census.bound[at_three] < 1e-6 and min(m.beyond_chance for m in census.members) > 0.99
    if shared == 0.0:
        assert max(m.beyond_chance for m in census.members) < 1e-3


def test_strangers_lie_where_chance_puts_them() -> None:
    """Random LoRAs: coverage, spectra, carriers and cosines agree with their own nulls."""
    loras = [
        LoRA(str(i), {ModulePath(Component.UNET, f"m{m}"): _layer(100 * i + m) for m in range(12)})
        for i in range(6)
    ]
    census = _census(loras)
    mean = sum(m.coverage for m in census.members) / 6
    assert mean == pytest.approx(sum(m.expected for m in census.members) / 6, abs=0.03)
    assert census.saturation == pytest.approx(census.saturation_expected, abs=0.03)
    for side in (census.out, census.into):
        assert side.kept == pytest.approx(side.random, abs=0.02)
        assert side.carriers == pytest.approx(side.random_carriers, rel=0.25)
    pairs = [census.cosines[i][j] ** 2 for i in range(6) for j in range(i)]
    assert (sum(pairs) / len(pairs)) ** 0.5 == pytest.approx(census.cosine_by_chance, rel=0.4)


def test_the_null_is_close_to_dense_random_frames() -> None:
    census = _census([LoRA(str(seed), {A: _layer(seed)}) for seed in range(4)])
    values = [canonical(_layer(seed)).s.double() for seed in range(4)]
    g = torch.Generator().manual_seed(5)
    draws = []
    for _ in range(60):
        stack = [torch.linalg.qr(torch.randn(OUT, 3, generator=g).double())[0] * s / s.norm() for s in values]
        draws.append(torch.linalg.svdvals(torch.cat(stack, dim=1)).square().cumsum(0) / 4)
    mean, spread = torch.stack(draws).mean(0), torch.stack(draws).std(0)
    for position, k in enumerate(census.directions):
        assert abs(census.out.random[position] - float(mean[k - 1])) < 4 * float(spread[k - 1]) + 1e-6


def test_copies_and_alike_ones_are_named() -> None:
    first, other = _layer(1), _layer(2)
    alike = LoRALayer(torch.cat([first.up, 0.8 * other.up], 1), torch.cat([first.down, other.down]))
    loras = [
        LoRA("far", {A: _layer(9)}), LoRA("one", {A: first}), LoRA("copy", {A: first.scaled(-3.0).scaled(-1.0)}),
        LoRA("alike", {A: alike}),
    ]  # fmt: skip
    census = _census(loras)
    assert census.near_copies == (("one", "copy"),)
    assert census.clusters == (("one", "copy", "alike"),)
    assert census.members[1].coverage == pytest.approx(1.0, abs=1e-6)
    places = [census.order.index(name) for name in ("one", "copy", "alike")]
    assert max(places) - min(places) == 2


def test_one_that_carries_a_leading_direction_is_named_only_in_a_crowd() -> None:
    big = LoRALayer(_layer(1, 1).up, _layer(1, 1).down)
    spread = [_layer(seed, 12) for seed in range(2, 8)]
    loras = [LoRA("big", {A: big}), *(LoRA(str(i), {A: layer}) for i, layer in enumerate(spread))]
    census = _census(loras)
    assert census.dominant == ("big",)
    assert census.out.loads[0][0] > 0.5 and sum(census.out.loads[0]) == pytest.approx(1.0)
    assert census.out.carriers[0] < 2.0
    assert _census(loras[:3]).dominant == ()
    shared = _census(_planted(1.0))
    assert shared.dominant == () and shared.out.carriers[0] > 3.0


def test_loras_that_change_nothing_harm_nothing() -> None:
    zero = LoRALayer(torch.zeros(OUT, 2), torch.zeros(2, INTO))
    plain = [LoRA("a", {A: _layer(1)}), LoRA("b", {A: _layer(2)})]
    census = _census([*plain, LoRA("nothing", {A: zero, B: zero}), LoRA("empty", {})])
    without = _census(plain)
    for a, b in zip(census.members, without.members, strict=False):
        assert a.coverage == pytest.approx(b.coverage, abs=1e-6)
    assert census.members[2].norm == census.members[2].coverage == 0.0
    assert census.bound == pytest.approx(without.bound)
    with pytest.raises(InvalidRequestError, match="nothing to compare"):
        _census([LoRA("nothing", {A: zero})])
    with pytest.raises(InvalidRequestError, match="nothing to compare"):
        _census([])


def test_one_lora_alone() -> None:
    census = _census([LoRA("a", {A: _layer(1)})])
    (member,) = census.members
    assert (member.coverage, member.nearest, census.others, census.clusters) == (0.0, "", (), ())
    assert census.bound[-1] == pytest.approx(0.0, abs=1e-6)


def test_more_columns_than_the_module_has_rows() -> None:
    census = _census([LoRA(str(seed), {A: _layer(seed, 8, 12, 10)}) for seed in range(4)])
    assert all(member.coverage == pytest.approx(1.0, abs=1e-6) for member in census.members)
    assert all(member.expected == pytest.approx(1.0, abs=1e-6) for member in census.members)
    assert all(member.beyond_chance < 1e-3 for member in census.members)


def test_equal_seeds_give_equal_figures_and_progress_counts_up(base: BaseModel) -> None:
    loras = [tiny.lora(base.layout, name, 2, seed, tuple(Component)) for seed, name in enumerate("abc")]
    events = list(take_census(loras))
    assert [event.done for event in events] == list(range(1, events[0].total + 1))
    assert _census(loras) == _census(loras)


def test_average_linkage_on_a_table_done_by_hand() -> None:
    table = [[1.0, 0.9, 0.1, 0.2], [0.9, 1.0, 0.3, 0.4], [0.1, 0.3, 1.0, 0.6], [0.2, 0.4, 0.6, 1.0]]
    assert cluster(table, 0.5).groups == ((0, 1), (2, 3))
    assert cluster(table, 0.25).groups == ((0, 1, 2, 3),)  # (0.1 + 0.2 + 0.3 + 0.4) / 4 = 0.25
    assert cluster(table, 0.95).groups == ()
    assert sorted(cluster(table, 0.5).order) == [0, 1, 2, 3]
    assert cluster([], 0.5).order == () and cluster([[1.0]], 0.5).order == (0,)
