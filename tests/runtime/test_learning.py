"""While a style learns: where the model lies, that it comes back, and gradients through weights in 8 bits."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from eigenlorax.runtime.learning import LearningNeeds, fitting, learning, learning_plans
from eigenlorax.runtime.live import LiveInjection
from eigenlorax.runtime.narrow import FP8, Narrowed
from eigenlorax.runtime.options import Placement
from eigenlorax.runtime.placement import Placed
from eigenlorax.runtime.plan import GIB, Plan
from eigenlorax.runtime.sdxl import BaseModel, load_base
from eigenlorax.runtime.sizes import ModelSize
from eigenlorax.runtime.stacking import stack_layers
from eigenlorax.training.predictor import SMALL_SIDE, Predictor
from tests import tiny
from tests.conftest import CPU

#: The CPU stands in for the card, as in test_placement.
CARD = torch.device("cpu")
SDXL = ModelSize(
    "SDXL", "fp16", (GIB // 4, 5 * GIB // 4), 5 * GIB, GIB // 3, GIB // 8, 4760.0, 256.0, 2, 4, 8
)
LEAN = Plan(Placement.MODEL_OFFLOAD, frozen=True)
NARROW = Plan(Placement.MODEL_OFFLOAD, frozen=True, narrow=True)


@pytest.fixture
def own(tiny_model: Path) -> BaseModel:
    """A model that a test may take apart."""
    return load_base(str(tiny_model), CPU)


def slopes(base: BaseModel, side: int = tiny.SIDE) -> tuple[Tensor, list[Tensor]]:
    """An answer, and the gradient of its mean square in every core."""
    layers = [lora.layers for lora in tiny.relatives(base.layout, "ab", 4)]
    updates = stack_layers(layers, CARD)
    for update in updates.values():
        (update.up if update.up.numel() else update.cores).requires_grad_()
    learning_ = [u.up if u.up.numel() else u.cores for u in updates.values()]
    chance = torch.Generator().manual_seed(3)
    with LiveInjection(base.modules) as live:
        predictor = Predictor(base.pipeline, live, side)
        with torch.no_grad():
            tokens, pooled = predictor.encode(["cat"], [False], {}, torch.ones(1, 0))
        latents = torch.randn(1, 4, 8, 8, generator=chance)
        with predictor.sparing():
            answer = predictor.ask(latents, torch.tensor([400]), tokens, pooled, updates, torch.ones(1, 2))
            answer.square().mean().backward()
    return answer.detach(), [tensor.grad for tensor in learning_]


def state(base: BaseModel) -> dict[str, tuple[int, Tensor]]:
    parts = (base.pipeline.text_encoder, base.pipeline.text_encoder_2, base.pipeline.unet, base.pipeline.vae)
    return {
        f"{place} {name}": (value.data_ptr(), value.clone())
        for place, part in enumerate(parts)
        for name, value in part.state_dict().items()
    }


def same_state(one: dict[str, tuple[int, Tensor]], other: dict[str, tuple[int, Tensor]]) -> bool:
    return all(one[n][0] == other[n][0] and torch.equal(one[n][1], other[n][1]) for n in one)


@pytest.mark.parametrize("side", [tiny.SIDE, SMALL_SIDE + 8])
def test_moved_out_and_in_the_same_gradients_and_everything_home(own: BaseModel, side: int) -> None:
    expected, gradients = slopes(own, side)
    before, homes = state(own), own.placed.plan
    with Placed(own.pipeline, CARD) as placed, learning(placed, LEAN):
        answer, found = slopes(own, side)
        assert own.pipeline.unet.conv_in.weight.data_ptr() != before["2 conv_in.weight"][0]
        assert own.pipeline.text_encoder.dtype is torch.float32
    assert torch.equal(answer, expected)
    assert all(torch.equal(a, b) for a, b in zip(found, gradients, strict=True))
    assert same_state(before, state(own))
    assert own.placed.plan == homes


@pytest.mark.parametrize("side", [tiny.SIDE, SMALL_SIDE + 8])
def test_in_8_bits_gradients_are_those_of_the_rounded_weights(own: BaseModel, side: int) -> None:
    plain, _ = slopes(own, side)
    before = state(own)
    with Placed(own.pipeline, CARD) as placed, learning(placed, NARROW):
        answer, found = slopes(own, side)
        layers = [m for m in own.pipeline.unet.mid_block.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
        assert {layer.weight.dtype for layer in layers} == {FP8}
        assert own.pipeline.unet.dtype is torch.float32
        widened = _widened(own)
    assert same_state(before, state(own))
    assert not any("weight" in module.__dict__ for module in own.pipeline.unet.modules())
    with torch.no_grad():
        for module, weight in widened.items():
            module.weight.copy_(weight)
    expected, gradients = slopes(own, side)
    torch.testing.assert_close(answer, expected)
    for one, other in zip(found, gradients, strict=True):
        torch.testing.assert_close(one, other)
    assert 0.0 < float((answer - plain).norm() / plain.norm()) < 0.1


def _widened(base: BaseModel) -> dict[nn.Module, Tensor]:
    """What each module computes with."""
    seen: dict[nn.Module, Tensor] = {}
    handles = []
    for module in base.pipeline.unet.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            handles.append(module.register_forward_hook(_noting(seen)))
            module._forward_hooks.move_to_end(handles[-1].id, last=False)
    slopes(base)
    for handle in handles:
        handle.remove()
    return seen


def _noting(seen: dict[nn.Module, Tensor]) -> Callable[..., None]:
    return lambda module, *_: seen.__setitem__(module, module.weight.detach().clone())


def test_rounding_to_8_bits_is_within_its_bound() -> None:
    block = nn.Module()
    block.mid_block = nn.Sequential(nn.Linear(40, 6))
    layer = block.mid_block[0]
    chance = torch.Generator().manual_seed(0)
    data = torch.randn(6, 40, generator=chance) * torch.logspace(-6, 2, 6)[:, None]
    narrowed = Narrowed(block)
    layer.weight.data = narrowed.kept(layer.weight, data)
    assert layer.weight.dtype is FP8
    layer.bias.data.zero_()
    with torch.no_grad():
        wide = layer(torch.eye(40)).mT
    scale = data.abs().amax(1, keepdim=True) / torch.finfo(FP8).max
    assert bool(((wide - data).abs() <= torch.maximum(data.abs() / 16, scale / 1024) * 1.001).all())
    other = nn.Parameter(torch.ones(3))
    assert torch.equal(narrowed.kept(other, other.data), torch.ones(3))
    narrowed.release()
    assert not layer._forward_pre_hooks
    assert not layer._forward_hooks


@pytest.mark.parametrize("plan", [LEAN, NARROW])
def test_an_exception_brings_everything_home(own: BaseModel, plan: Plan) -> None:
    before = state(own)
    with pytest.raises(ZeroDivisionError), Placed(own.pipeline, CARD) as placed, learning(placed, plan):
        slopes(own)
        raise ZeroDivisionError
    assert same_state(before, state(own))
    for part in (own.pipeline.unet, own.pipeline.vae, own.pipeline.text_encoder):
        assert not hasattr(part, "_hf_hook")


def test_the_plan_before_is_in_effect_again(own: BaseModel) -> None:
    with Placed(own.pipeline, CARD) as placed:
        drawing = Plan(Placement.MODEL_OFFLOAD, tiling=True)
        placed.take(drawing)
        with learning(placed, NARROW):
            slopes(own)
            assert placed.plan is NARROW
        assert placed.plan is drawing
        slopes(own)
        assert own.pipeline.unet.mid_block.resnets[0].conv1.weight.dtype is torch.float32


def test_less_memory_means_a_leaner_plan() -> None:
    needs = LearningNeeds(1024, 1, GIB // 4)
    chosen = {size: fitting(learning_plans(SDXL, needs, int(size * GIB)))[0] for size in (3.5, 5, 8, 24)}
    assert (chosen[24].placement, chosen[24].narrow) == (Placement.GPU, False)
    assert (chosen[8].placement, chosen[8].narrow) == (Placement.MODEL_OFFLOAD, False)
    assert chosen[5].narrow
    assert chosen[5].fits
    assert chosen[3.5].narrow
    assert not chosen[3.5].fits
    peaks = [plan.peaks.highest for plan in learning_plans(SDXL, needs, 8 * GIB)]
    assert peaks == sorted(peaks, reverse=True)
    more = learning_plans(SDXL, LearningNeeds(1024, 4, GIB // 4), 8 * GIB)
    assert more[1].peaks.unet > learning_plans(SDXL, needs, 8 * GIB)[1].peaks.unet
    assert "8 bits" in chosen[5].sentence


def test_on_the_processor_nothing_is_moved(own: BaseModel) -> None:
    assert own.learning_plans(LearningNeeds(64, 2)) == [own.placed.plan]
