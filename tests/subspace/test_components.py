"""Leading components against the SVD of the dense, stacked updates."""

from math import sqrt

import pytest
import torch

from eigenlorax.events import drain
from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.subspace.census import take_census
from eigenlorax.subspace.components import leading, mixture

A, B = ModulePath(Component.UNET, "a"), ModulePath(Component.UNET, "b")


def _layer(seed: int, size: float = 1.0) -> LoRALayer:
    draw = torch.Generator().manual_seed(seed)
    return LoRALayer(size * torch.randn(16, 2, generator=draw), torch.randn(2, 12, generator=draw))


def _collection() -> list[LoRA]:
    """Two near relatives, one strong stranger that lacks a module, one weak stranger, and one that is zero."""
    first = _layer(1)
    near = LoRALayer(first.up + 0.3 * _layer(2).up, first.down)
    zero = LoRALayer(torch.zeros(16, 1), torch.zeros(1, 12))
    return [
        LoRA("one", {A: first, B: _layer(3)}), LoRA("near", {A: near, B: _layer(3, 1.2)}),
        LoRA("strong", {A: _layer(4, 9.0)}), LoRA("weak", {A: _layer(5, 0.1), B: _layer(6, 0.1)}),
        LoRA("zero", {A: zero}),
    ]  # fmt: skip


def _flat(lora: LoRA) -> torch.Tensor:
    parts = [
        (lora.layers[path].up.double() @ lora.layers[path].down.double()).flatten()
        if path in lora.layers
        else torch.zeros(16 * 12, dtype=torch.float64)
        for path in (A, B)
    ]
    return torch.cat(parts)


def test_mixtures_are_the_singular_vectors_of_the_stack() -> None:
    loras = _collection()
    census = drain(take_census(loras))
    stack = torch.stack([_flat(lora) / _flat(lora).norm() for lora in loras[:-1]])
    _, s, right = torch.linalg.svd(stack, full_matrices=False)
    middle = sorted(float(_flat(lora).norm()) for lora in loras[:-1])
    norm = (middle[1] + middle[2]) / 2
    found = leading(census, 3)
    assert len(found) == 3
    for place, component in enumerate(found):
        assert component.share == pytest.approx(float(s[place].square()) / 4, abs=1e-5)
        assert component.expected == 0.25
        assert sum(load**2 for load in component.loads.values()) == pytest.approx(1.0)
        assert next(iter(component.loads.values())) > 0.0
        drawn = _flat(mixture("c", loras, component.strengths))
        assert float(drawn.norm()) == pytest.approx(norm, rel=0.02)  # small parts are left out
        assert abs(float(drawn @ right[place])) == pytest.approx(float(drawn.norm()), rel=2e-3)
    assert set(list(found[0].loads)[:2]) == {"one", "near"}
    assert found[0].dominant == ""
    assert {component.dominant for component in found[1:]} == {"strong", "weak"}


def test_a_mixture_reads_layers_when_asked_and_knows_its_modules() -> None:
    mixed = mixture("m", _collection(), {"strong": 0.5, "weak": -2.0})
    assert list(mixed.layers) == [A, B] and len(mixed.layers) == 2
    assert torch.allclose(
        mixed.layers[B].up @ mixed.layers[B].down, -2.0 * _layer(6, 0.1).up @ _layer(6).down
    )
    with pytest.raises(KeyError):
        mixed.layers[ModulePath(Component.UNET, "c")]


def test_few_loras_have_no_dominant_one_and_no_more_components_than_energy() -> None:
    copies = [LoRA("a", {A: _layer(1)}), LoRA("b", {A: _layer(1, 3.0)})]
    (only,) = leading(drain(take_census(copies)), 5)
    assert only.share == pytest.approx(1.0) and only.dominant == ""
    assert list(only.loads.values()) == pytest.approx([sqrt(0.5), sqrt(0.5)])
