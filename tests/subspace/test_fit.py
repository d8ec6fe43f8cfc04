"""A collection in, a subspace and honest figures out."""

import pytest
import torch

from eigenlorax.errors import InvalidRequestError
from eigenlorax.lora import LoRA, LoRALayer, joined
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.showcase import drain
from eigenlorax.subspace.basis import reconstruct
from eigenlorax.subspace.fidelity import FidelityVerdict
from eigenlorax.subspace.fit import Fit, Goal, fit
from tests import tiny


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
