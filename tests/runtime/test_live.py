"""The live engine predicts what merged weights predict, row by row, and leaves nothing behind."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from eigenlorax.events import drain
from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.runtime.inject import Injection
from eigenlorax.runtime.live import LiveInjection
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.runtime.stacking import stack_layers, stack_styles
from eigenlorax.subspace.fit import Goal, fit
from eigenlorax.subspace.style import blend_layers
from tests import tiny

CPU = torch.device("cpu")
STRENGTHS = torch.tensor([[1.0, 0.0], [0.5, -1.5], [0.0, 0.0]])


def anything(base: BaseModel, seed: int) -> dict[ModulePath, LoRALayer]:
    """A small random update of every parameter there is: linears, convolutions, norms and biases."""
    chance = torch.Generator().manual_seed(seed)
    found = {}
    for path, shape in base.layout.items():
        rows, columns = shape.matrix
        rank = 1 + seed % 3
        up = torch.randn(rows, rank, generator=chance) * 0.1 / rows
        found[path] = LoRALayer(up, torch.randn(rank, columns, generator=chance))
    return found


def _asked(base: BaseModel, rows: int) -> tuple[Tensor, Tensor]:
    """The UNet's prediction and the first text encoder's states for a fixed batch."""
    chance = torch.Generator().manual_seed(3)
    unet, encoder = base.pipeline.unet, base.pipeline.text_encoder
    with torch.no_grad():
        predicted = unet(
            torch.randn(rows, 4, 8, 8, generator=chance),
            torch.tensor([500] * rows),
            encoder_hidden_states=torch.randn(rows, 77, sum(tiny.TEXT_WIDTHS), generator=chance),
            added_cond_kwargs={
                "text_embeds": torch.randn(rows, tiny.TEXT_WIDTHS[1], generator=chance),
                "time_ids": torch.ones(rows, 6),
            },
        ).sample
        ids = torch.randint(90, (rows, 77), generator=chance)
        return predicted, encoder(ids).last_hidden_state


def _merged(base: BaseModel, updates: Mapping[ModulePath, LoRALayer], rows: int) -> tuple[Tensor, Tensor]:
    with Injection(base.parameters) as injection:
        injection.apply(updates)
        return _asked(base, rows)


def test_every_row_wears_its_own_blend_in_every_kind_of_module(base: BaseModel) -> None:
    both = [anything(base, 1), anything(base, 2)]
    with LiveInjection(base.modules) as live:
        live.wear(stack_layers(both, CPU), STRENGTHS)
        predicted, states = _asked(base, 3)
    for row, (first, second) in enumerate(STRENGTHS.tolist()):
        mixed = {
            path: LoRALayer(
                torch.cat([both[0][path].up * first, both[1][path].up * second], 1),
                torch.cat([both[0][path].down, both[1][path].down]),
            )
            for path in both[0]
        }
        expected = _merged(base, mixed, 3)
        torch.testing.assert_close(predicted[row], expected[0][row], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(states[row], expected[1][row], rtol=1e-4, atol=1e-5)
    bare = _asked(base, 3)
    torch.testing.assert_close(predicted[2], bare[0][2], rtol=1e-5, atol=1e-6)
    assert float((predicted[0] - bare[0][0]).abs().max()) > 1e-2


def test_cores_in_shared_columns_with_private_ranks_beside_them(base: BaseModel) -> None:
    kinds = (Component.UNET, Component.TEXT_ENCODER)
    loras = tiny.relatives(base.layout, ["a", "b"])
    loras.append(tiny.lora(base.layout, "c", 4, 9, kinds))
    result = drain(fit(loras, {}, base.layout_hash, Goal(retain=0.9)))
    styles = result.styles({lora.name: () for lora in loras})
    assert any(basis.core_shape[0] for basis in result.subspace.bases.values())
    assert any(style.residuals for style in styles.values())
    weights = torch.tensor([[0.7, -0.4, 1.0]])
    with LiveInjection(base.modules) as live:
        live.wear(stack_styles(result.subspace, list(styles.values()), CPU), weights)
        predicted = _asked(base, 2)
    blend = dict(zip(styles, weights[0].tolist(), strict=True))
    expected = _merged(base, blend_layers(result.subspace, styles, blend), 2)
    for one, other in zip(predicted, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_nothing_is_left_behind_also_after_an_exception(base: BaseModel) -> None:
    before = _asked(base, 1)
    weights = {path: parameter.clone() for path, parameter in base.parameters.items()}
    with pytest.raises(KeyboardInterrupt), LiveInjection(base.modules) as live:
        live.wear(stack_layers([anything(base, 1)], CPU), torch.ones(1, 1))
        assert not torch.equal(_asked(base, 1)[0], before[0])
        raise KeyboardInterrupt
    for one, other in zip(_asked(base, 1), before, strict=True):
        assert torch.equal(one, other)
    assert all(torch.equal(weights[path], parameter) for path, parameter in base.parameters.items())
    assert not any(module._forward_hooks for module in base.modules.values())
