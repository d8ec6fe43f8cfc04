"""A collection in, a subspace and honest figures out."""

import weakref
from collections import Counter
from collections.abc import Iterator, Mapping

import pytest
import torch

from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import drain
from eigenlorax.lora import LoRA, LoRALayer, joined
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspace.allocate import option_of
from eigenlorax.subspace.basis import reconstruct
from eigenlorax.subspace.fidelity import FidelityVerdict
from eigenlorax.subspace.fit import Fit, Goal, fit
from eigenlorax.subspace.numbers import Numbers, bytes_of
from eigenlorax.subspace.range_finder import RangeFinder
from eigenlorax.subspace.style import blend_layers
from eigenlorax.subspace.updates import Updates
from tests import tiny

CPU = torch.device("cpu")


def _fit(loras: list[LoRA], retain: float) -> Fit:
    return drain(fit(loras, {lora.name: 1000 for lora in loras}, "layout", Goal(retain=retain)))


def test_reported_error_is_the_true_dense_error(base: BaseModel) -> None:
    loras = [
        tiny.lora(base.layout, "a", 4, 1, components=tuple(Component)),
        tiny.lora(base.layout, "b", 8, 2, strength=5.0),
    ]
    result = _fit(loras, 0.7)
    for lora in loras:
        projection = result.projections[lora.name]
        wrong = total = 0.0
        for path, layer in lora.layers.items():
            dense = layer.up @ layer.down
            near = reconstruct(projection.cores[path], result.subspace.bases[path])
            if path in projection.residuals:
                near = joined([near, projection.residuals[path]])
            wrong += float((dense - near.up @ near.down).double().square().sum())
            total += float(dense.double().square().sum())
        assert projection.fidelity.weight_error == pytest.approx((wrong / total) ** 0.5, rel=1e-3)


def test_everything_asked_for_is_everything_kept(base: BaseModel) -> None:
    loras = [tiny.lora(base.layout, name, 2, seed) for seed, name in enumerate("abc")]
    for projection in _fit(loras, 1.0).projections.values():
        assert projection.fidelity.energy_kept > 0.999
        assert projection.fidelity.verdict is FidelityVerdict.FAITHFUL


def test_a_shared_subspace_is_found() -> None:
    """Styles drawn from one 3 x 3 frame need three columns, however many they are."""
    path = ModulePath(Component.UNET, "x")
    g = torch.Generator().manual_seed(3)
    out, into = torch.randn(40, 3, generator=g), torch.randn(3, 30, generator=g)
    loras = [LoRA(str(i), {path: LoRALayer(out @ torch.randn(3, 3, generator=g), into)}) for i in range(12)]
    result = _fit(loras, 0.9999)
    assert result.subspace.bases[path].core_shape == (3, 3)
    assert min(p.fidelity.energy_kept for p in result.projections.values()) > 0.999


def test_modules_that_some_lack_and_updates_of_zero() -> None:
    a, b = ModulePath(Component.UNET, "a"), ModulePath(Component.UNET, "b")
    g = torch.Generator().manual_seed(1)
    layer = LoRALayer(torch.randn(6, 2, generator=g), torch.randn(2, 5, generator=g))
    nothing = LoRALayer(torch.zeros(6, 2), torch.randn(2, 5, generator=g))
    result = _fit([LoRA("one", {a: layer, b: nothing}), LoRA("two", {a: nothing})], 0.9)
    assert set(result.projections["two"].cores) == {a}
    assert result.projections["one"].fidelity.zero_modules == 1
    assert result.projections["two"].fidelity.energy_kept == 1.0


def test_progress_names_every_module_once(base: BaseModel) -> None:
    lora = tiny.lora(base.layout, "a", 2)
    seen = list(fit([lora], {"a": 1}, "layout", Goal(retain=0.5)))
    assert [event.done for event in seen] == list(range(1, 2 * len(lora.layers) + 1))
    assert {event.module for event in seen} == set(lora.layers)


@pytest.mark.parametrize(
    ("count", "retain", "words"), [(0, 0.9, "nothing to compress"), (1, 0.0, "retain"), (1, 1.1, "retain")]
)
def test_what_cannot_be_fitted_is_refused(base: BaseModel, count: int, retain: float, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        _fit([tiny.lora(base.layout, "a", 2)][:count], retain)


class _Counted(Mapping[ModulePath, LoRALayer]):
    """Layers made from a seed each time one is asked for, and a count of how often that was."""

    def __init__(self, seed: int, sizes: Mapping[ModulePath, tuple[int, int]], rank: int) -> None:
        self._seed, self._sizes, self._rank = seed, sizes, rank
        self.asked: Counter[ModulePath] = Counter()

    def __iter__(self) -> Iterator[ModulePath]:
        return iter(self._sizes)

    def __len__(self) -> int:
        return len(self._sizes)

    def __getitem__(self, path: ModulePath) -> LoRALayer:
        self.asked[path] += 1
        out, into = self._sizes[path]
        g = torch.Generator().manual_seed(1000 * self._seed + sorted(self._sizes).index(path))
        return LoRALayer(
            torch.randn(out, self._rank, generator=g), torch.randn(self._rank, into, generator=g)
        )


_SIZES = {ModulePath(Component.UNET, name): size for name, size in (("a", (30, 20)), ("b", (12, 40)))}


def test_a_layer_is_asked_for_once_to_weigh_it_and_once_in_each_pass() -> None:
    layers = [_Counted(seed, _SIZES, 3) for seed in range(5)]
    drain(fit([LoRA(str(n), one) for n, one in enumerate(layers)], {}, "layout", Goal(number_bytes=2000)))
    # Not the first module: the tests' type checks look at the first item of each mapping.
    assert [one.asked[list(_SIZES)[1]] for one in layers] == [3] * 5


def test_holding_one_layer_at_a_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    loras = [LoRA(str(seed), _Counted(seed, _SIZES, 3)) for seed in range(5)]
    usual = drain(fit(loras, {}, "layout", Goal(number_bytes=2000)))
    monkeypatch.setattr(Updates.__init__, "__defaults__", (0,))
    frugal = drain(fit(loras, {}, "layout", Goal(number_bytes=2000)))
    assert frugal.subspace.hash == usual.subspace.hash
    for name, one in usual.projections.items():
        other = frugal.projections[name]
        assert one.fidelity == other.fidelity and one.residuals.keys() == other.residuals.keys()
        assert all(torch.equal(core, other.cores[path]) for path, core in one.cores.items())


def test_only_one_layer_is_held_when_there_is_no_room() -> None:
    alive: list[weakref.ref[torch.Tensor]] = []
    most = 0
    updates = Updates([LoRA(str(s), _Counted(s, _SIZES, 3)) for s in range(6)], next(iter(_SIZES)), CPU, 0)
    for _ in range(2):
        for layer in updates:
            alive.append(weakref.ref(layer.p))
            most = max(most, sum(one() is not None for one in alive))
    assert most <= 2  # the one in hand, and its follower while it is made


def test_sketched_options_lead_to_the_error_that_they_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    """More columns than may be decomposed whole: the store is as good as told, and each LoRA alone not better."""
    monkeypatch.setattr(RangeFinder.__init__, "__defaults__", (16, 10))
    loras = [LoRA(str(seed), _Counted(seed, _SIZES, 3)) for seed in range(12)]
    result = drain(fit(loras, {}, "layout", Goal(retain=0.7)))
    assert 0.699 <= result.subspace.retain <= 0.8


def test_500_styles_need_few_steps() -> None:
    gains = (
        torch.rand(32_000, generator=torch.Generator().manual_seed(0)).sort(descending=True).values.tolist()
    )
    option = option_of(0, 0, 0, sum(gains), gains, 10)
    assert len(option.gains) < 700
    assert option.ranks[-1] == 32_000 and option.left[-1] == pytest.approx(0.0, abs=1e-6)
    assert list(option.gains) == sorted(option.gains, reverse=True)
    for step, count in enumerate(option.ranks):
        assert option.left[step] == pytest.approx(sum(gains[count:]), abs=1e-6)


@pytest.mark.parametrize("numbers", Numbers)
def test_one_that_keeps_apart_has_no_say_in_the_bases_and_loses_nothing_by_it(
    base: BaseModel, numbers: Numbers
) -> None:
    kin = tiny.relatives(base.layout, ("a", "b", "c"), 4, 1)
    stranger = tiny.lora(base.layout, "d", 4, 9)
    goal = Goal(retain=0.9, numbers=numbers)
    result = drain(fit([*kin, stranger], {}, "layout", goal, outside={"d": "shares nothing", "gone": "x"}))
    assert result.subspace.excluded == {"d": "shares nothing"}
    columns = [basis.core_shape for basis in result.subspace.bases.values()]
    assert any(k_out for k_out, _ in columns)
    for path, basis in result.subspace.bases.items():
        frame = torch.linalg.qr(kin[0].layers[path].up)[0]
        outside = basis.out - frame @ (frame.mT @ basis.out)
        assert float(outside.square().sum()) < 1e-3
    style = result.styles(dict.fromkeys("abcd", ()))["d"]
    assert not any(core.any() for core in style.cores.values())
    assert all(style.cores[path].shape == result.subspace.bases[path].core_shape for path in style.cores)
    near = blend_layers(result.subspace, {"d": style}, {"d": 1.0})
    for path, layer in style.residuals.items():
        assert torch.allclose(near[path].up @ near[path].down, layer.up @ layer.down, atol=1e-6)
    assert style.fidelity.energy_kept > 0.6


def test_int8_keeps_more_than_fp16_in_the_same_bytes_and_tells_it_as_it_is(base: BaseModel) -> None:
    loras = [tiny.lora(base.layout, name, 8, seed) for seed, name in enumerate("abc")]
    kept = {}
    for numbers in Numbers:
        result = drain(fit(loras, {}, "layout", Goal(number_bytes=20_000, numbers=numbers)))
        styles = result.styles(dict.fromkeys("abc", ()))
        told, true, size = 0.0, 0.0, 0
        for basis in result.subspace.bases.values():
            size += bytes_of(*basis.stored_out.shape, numbers) + bytes_of(*basis.stored_into.shape, numbers)
        for lora in loras:
            style = styles[lora.name]
            wrong = 0.0
            for path, layer in lora.layers.items():
                basis = result.subspace.bases[path]
                size += style.cores.kept[path].nbytes
                parts = [reconstruct(style.cores[path], basis)]
                if residual := style.residuals.kept.get(path):
                    size += residual.nbytes
                    parts.append(residual.layer)
                wrong += joined([*parts, layer.scaled(-1.0)]).norm ** 2
            true += 1.0 - wrong / sum(layer.norm**2 for layer in lora.layers.values())
            told += style.fidelity.energy_kept
        assert size <= 20_000
        assert told == pytest.approx(true, abs=1e-4)
        kept[numbers] = true / 3
    assert kept[Numbers.INT8] > kept[Numbers.FP16] + 0.1
