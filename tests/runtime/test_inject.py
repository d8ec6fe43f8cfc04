"""Weights are W0 + dW while styles are on, and W0 bit for bit afterwards."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from eigenlorax.module_path import ModulePath
from eigenlorax.runtime.inject import Injection
from eigenlorax.runtime.sdxl import BaseModel
from tests import tiny


def _weights(base: BaseModel) -> dict[ModulePath, Tensor]:
    return {path: parameter.detach().clone() for path, parameter in base.parameters.items()}


def _assert_untouched(base: BaseModel, before: Mapping[ModulePath, Tensor]) -> None:
    assert all(torch.equal(before[path], weight) for path, weight in _weights(base).items())


def test_dense_oracle_and_exact_restore(base: BaseModel) -> None:
    before = _weights(base)
    lora = tiny.lora(base.layout, "a", 4, 1)
    with Injection(base.parameters) as injection:
        injection.apply(lora.layers)
        after = _weights(base)
        for path, layer in lora.layers.items():
            torch.testing.assert_close(
                after[path].flatten(1), before[path].flatten(1) + layer.up @ layer.down
            )
        assert all(torch.equal(before[p], after[p]) for p in before if p not in lora.layers)
    _assert_untouched(base, before)


def test_a_change_of_styles_leaves_nothing_of_the_first(base: BaseModel) -> None:
    before = _weights(base)
    a, b = tiny.lora(base.layout, "a", 4, 1), tiny.lora(base.layout, "b", 2, 2)
    only = dict(list(b.layers.items())[:5])
    with Injection(base.parameters) as injection:
        injection.apply(only)
        direct = _weights(base)
        for _ in range(50):
            injection.apply(a.layers)
            injection.apply(only)
        assert all(torch.equal(direct[path], weight) for path, weight in _weights(base).items())
    _assert_untouched(base, before)


def test_restored_through_an_exception(base: BaseModel) -> None:
    before = _weights(base)
    with pytest.raises(KeyboardInterrupt), Injection(base.parameters) as injection:
        injection.apply(tiny.lora(base.layout, "a").layers)
        raise KeyboardInterrupt
    _assert_untouched(base, before)


def test_restored_when_an_update_does_not_fit(base: BaseModel) -> None:
    before = _weights(base)
    lora = tiny.lora(base.layout, "a")
    wrong = {**lora.layers, tiny.any_path(base.layout, "conv_in"): next(iter(lora.layers.values()))}
    with pytest.raises(RuntimeError), Injection(base.parameters) as injection:
        injection.apply(wrong)
    _assert_untouched(base, before)


def test_convolutions_are_changed_too(base: BaseModel) -> None:
    path = tiny.any_path(base.layout, "resnets.0.conv1")
    rows, columns = base.layout[path].matrix
    layer = tiny.LoRALayer(torch.randn(rows, 2), torch.randn(2, columns))
    before = _weights(base)
    with Injection(base.parameters) as injection:
        injection.apply({path: layer})
        dense = before[path] + (layer.up @ layer.down).view_as(before[path])
        torch.testing.assert_close(_weights(base)[path], dense)
    _assert_untouched(base, before)
