"""A stranger in a family is named; strangers among strangers and small collections are not."""

from collections.abc import Sequence

import torch

from eigenlorax.events import drain
from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.subspace.census import take_census
from eigenlorax.subspace.outliers import outliers

A = ModulePath(Component.UNET, "a")


def _loras(count: int, kin: bool, size: int = 120) -> list[LoRA]:
    common = torch.Generator().manual_seed(7)
    up, down = torch.randn(size, 3, generator=common), torch.randn(3, size, generator=common)
    loras = []
    for seed in range(count):
        own = torch.Generator().manual_seed(100 + seed)
        if kin:
            layer = LoRALayer(up @ torch.randn(3, 3, generator=own), down)
        else:
            layer = LoRALayer(torch.randn(size, 3, generator=own), torch.randn(3, size, generator=own))
        loras.append(LoRA(f"{'kin' if kin else 'own'}{seed}", {A: layer}))
    return loras


def _named(loras: Sequence[LoRA]) -> dict[str, str]:
    return outliers(drain(take_census(loras)))


def test_strangers_in_a_family_are_named_with_figures() -> None:
    found = _named([*_loras(5, kin=True), *_loras(2, kin=False)])
    assert set(found) == {"own0", "own1"}
    assert "0% of it, beyond chance" in found["own0"] and "100%" in found["own0"]


def test_without_a_family_there_is_no_outlier() -> None:
    assert _named(_loras(6, kin=False)) == {}
    assert _named(_loras(6, kin=True)) == {}
    assert _named([*_loras(2, kin=True), *_loras(1, kin=False)]) == {}  # three are no family
    assert _named(_loras(8, kin=False, size=6)) == {}  # they fill the module: nothing can be told


def test_one_that_changes_nothing_is_no_outlier() -> None:
    zero = LoRA("zero", {A: LoRALayer(torch.zeros(120, 1), torch.zeros(1, 120))})
    assert _named([*_loras(5, kin=True), zero]) == {}
