"""Weights go out to the card and come home; when the card is full, a leaner plan draws the same picture."""

from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from eigenlorax.errors import CardFullError
from eigenlorax.events import drain
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.generate import Step, denoise
from eigenlorax.runtime.ladder import SteppedDown, drawn
from eigenlorax.runtime.live import LiveInjection
from eigenlorax.runtime.options import Placement
from eigenlorax.runtime.placement import Placed
from eigenlorax.runtime.plan import GIB, Needs, Peaks, Plan, ladder
from eigenlorax.runtime.sdxl import BaseModel, load_base
from eigenlorax.runtime.stacking import stack_layers
from tests import tiny
from tests.conftest import CPU

#: The CPU stands in for the card: whatever comes to it is a copy, which tells it from what is at home.
CARD = torch.device("cpu")
REQUEST = GenerationRequest("a cat", seed=5, steps=2, guidance=4.0, width=64, height=64)
OFFLOADS = [Placement.MODEL_OFFLOAD, Placement.SEQUENTIAL]


@pytest.fixture
def own(tiny_model: Path) -> BaseModel:
    """A model that a test may take apart."""
    return load_base(str(tiny_model), CPU)


def _homes(base: BaseModel) -> dict[Tensor, int]:
    return {tensor: tensor.data_ptr() for part in _parts(base) for tensor in part.parameters()}


def _parts(base: BaseModel) -> list[torch.nn.Module]:
    pipeline = base.pipeline
    return [pipeline.text_encoder, pipeline.text_encoder_2, pipeline.unet, pipeline.vae]


def _hooks(base: BaseModel) -> list[int]:
    """How many hooks each module has; transformers has some of its own after a first call."""
    modules = [module for part in _parts(base) for module in part.modules()]
    return [len(module._forward_pre_hooks) + len(module._forward_hooks) for module in modules]


def _out(base: BaseModel, homes: dict[Tensor, int]) -> list[set[Tensor]]:
    """For each part, which of its parameters are on the card."""
    return [{p for p in part.parameters() if p.data_ptr() != homes[p]} for part in _parts(base)]


@pytest.mark.parametrize("placement", OFFLOADS)
def test_the_same_picture_and_everything_home_again(own: BaseModel, placement: Placement) -> None:
    before = {name: value.clone() for part in _parts(own) for name, value in part.state_dict().items()}
    expected, homes, hooks = drain(denoise(own.pipeline, REQUEST)), _homes(own), _hooks(own)
    with Placed(own.pipeline, CARD) as placed:
        placed.take(Plan(placement))
        assert own.pipeline._execution_device == CARD
        drawn_ = drain(denoise(own.pipeline, REQUEST))
        assert np.array_equal(np.asarray(drawn_), np.asarray(expected))
        placed.rest()
        assert not any(_out(own, homes))
    assert _homes(own) == homes
    assert all(torch.equal(before[n], v) for part in _parts(own) for n, v in part.state_dict().items())
    for part in _parts(own):
        assert not hasattr(part, "_hf_hook")
    assert _hooks(own) == hooks
    assert own.pipeline.vae.use_tiling is False


def test_model_offload_has_one_part_on_the_card(own: BaseModel) -> None:
    homes, seen = _homes(own), []
    with Placed(own.pipeline, CARD) as placed:
        placed.take(Plan(Placement.MODEL_OFFLOAD))
        watched = [*_parts(own)[:3], own.pipeline.vae.decoder]
        handles = [part.register_forward_hook(lambda *_: seen.append(_out(own, homes))) for part in watched]
        drain(denoise(own.pipeline, REQUEST))
        for handle in handles:
            handle.remove()
    order = [[bool(out) for out in outs].index(True) for outs in seen]
    assert order == sorted(order)
    assert set(order) == {0, 1, 2, 3}
    for outs, part in zip(seen, order, strict=True):
        assert [len(out) for out in outs] == [
            len(list(_parts(own)[place].parameters())) if place == part else 0 for place in range(4)
        ]


def test_sequential_has_one_layer_on_the_card(own: BaseModel) -> None:
    homes, seen = _homes(own), []

    def look(layer: torch.nn.Module, *_: object) -> None:
        seen.append((set(layer.parameters()), set().union(*_out(own, homes))))

    with Placed(own.pipeline, CARD) as placed:
        placed.take(Plan(Placement.SEQUENTIAL))
        layers = [module for part in _parts(own) for module in part.modules() if not list(module.children())]
        handles = [layer.register_forward_pre_hook(look) for layer in layers if list(layer.parameters())]
        drain(denoise(own.pipeline, REQUEST))
        for handle in handles:
            handle.remove()
    assert len(seen) > 100
    assert all(own_parameters == out for own_parameters, out in seen)


@pytest.mark.parametrize("placement", OFFLOADS)
def test_the_live_engine_works_on_parts_that_come_and_go(own: BaseModel, placement: Placement) -> None:
    lora = tiny.lora(own.layout, "s", 4, 3, strength=3.0)
    bare = np.asarray(drain(denoise(own.pipeline, REQUEST)))
    with LiveInjection(own.modules) as live:
        live.wear(stack_layers([lora.layers], CARD), torch.ones(1, 1))
        expected = np.asarray(drain(denoise(own.pipeline, REQUEST)))
        assert not np.array_equal(expected, bare)
        with Placed(own.pipeline, CARD) as placed:
            placed.take(Plan(placement))
            assert np.array_equal(np.asarray(drain(denoise(own.pipeline, REQUEST))), expected)


@pytest.mark.parametrize("placement", OFFLOADS)
def test_what_is_written_between_or_during_runs_is_kept(own: BaseModel, placement: Placement) -> None:
    path = tiny.any_path(own.layout, "attn1.to_q")
    weight = own.parameters[path]
    with Placed(own.pipeline, CARD) as placed:
        placed.take(Plan(placement))
        drain(denoise(own.pipeline, REQUEST))
        with torch.no_grad():
            weight.add_(0.5)
        wanted = weight.clone()
        placed.take(Plan(Placement.CPU))
        assert own.parameters[path] is weight
        assert torch.equal(weight, wanted)
        drain(denoise(own.pipeline, REQUEST))


def test_an_exception_inside_a_layer_leaves_nothing_out(own: BaseModel) -> None:
    homes = _homes(own)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Placed(own.pipeline, CARD) as placed:
        placed.take(Plan(Placement.SEQUENTIAL))
        own.pipeline.unet.conv_out.register_forward_pre_hook(fail)
        drain(denoise(own.pipeline, REQUEST))
    assert not any(_out(own, homes))


def test_tiles_are_cut_also_where_the_vae_takes_the_picture_for_one_tile(own: BaseModel) -> None:
    vae = own.pipeline.vae
    vae.tile_sample_min_size, vae.tile_latent_min_size = 1024, 128
    placed, sizes = Placed(own.pipeline, CARD), []
    vae.decoder.register_forward_pre_hook(lambda _, args: sizes.append(tuple(args[0].shape)))
    latents = torch.randn(2, 4, 128, 128, generator=torch.Generator().manual_seed(0))
    placed.take(Plan(Placement.CPU, tiling=True))
    with torch.no_grad():
        assert vae.decode(latents).sample.shape == (2, 3, 1024, 1024)
    assert {size[0] for size in sizes} == {1}
    assert max(size[2] for size in sizes) == 64
    placed.release()
    assert (vae.tile_sample_min_size, vae.tile_latent_min_size, vae.use_tiling) == (1024, 128, False)


def test_new_words_after_a_plan_are_taken_along(own: BaseModel) -> None:
    with Placed(own.pipeline, CARD) as placed:
        placed.take(Plan(Placement.SEQUENTIAL))
        own.pipeline.text_encoder.resize_token_embeddings(len(own.pipeline.tokenizer) + 2)
        placed.renew()
        table = own.pipeline.text_encoder.get_input_embeddings()
        assert table._forward_pre_hooks
        drain(denoise(own.pipeline, REQUEST))


RUNGS = [
    Plan(placement, tiling, 1, Peaks(0, peak * GIB, 0), 8 * GIB, f"rung {peak}")
    for peak, (placement, tiling) in zip(
        (9, 7, 8, 5, 1),
        [(Placement.GPU, False), (Placement.GPU, True), (Placement.MODEL_OFFLOAD, False),
         (Placement.MODEL_OFFLOAD, True), (Placement.SEQUENTIAL, True)],
        strict=True,
    )
]  # fmt: skip


def _full_above(most: int) -> Callable[[Plan], Generator[Step, None, Plan]]:
    """Draws that run out of memory while the plan's peak is over `most` GB, after a first step."""

    def draw(plan: Plan) -> Generator[Step, None, Plan]:
        yield Step(1, 2)
        if plan.peaks.highest > most * GIB:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore")
        return plan

    return draw


def test_a_full_card_steps_down_and_says_so(own: BaseModel) -> None:
    with Placed(own.pipeline, CARD) as placed:
        run, events = drawn(placed, RUNGS[0], RUNGS, _full_above(5)), []
        while True:
            try:
                events.append(next(run))
            except StopIteration as stop:
                result = stop.value
                break
        stepped = [event for event in events if isinstance(event, SteppedDown)]
        # The third rung takes more than the second, which was too much already.
        assert [event.plan for event in stepped] == [RUNGS[1], RUNGS[3]]
        assert result == placed.plan == RUNGS[3]
        assert "ran out; trying again: rung 7" in stepped[0].sentence
        assert sum(isinstance(event, Step) for event in events) == 3


def test_the_last_rung_ends_in_words(own: BaseModel) -> None:
    homes = _homes(own)
    placed = Placed(own.pipeline, CARD)
    with pytest.raises(CardFullError) as caught:
        drain(drawn(placed, RUNGS[1], RUNGS, _full_above(0)))
    assert "8.0 GB" in str(caught.value)
    assert "--cpu" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert placed.plan.placement is Placement.CPU
    assert not any(_out(own, homes))


def test_a_real_picture_survives_a_card_that_fills_up(own: BaseModel) -> None:
    """Memory runs out inside the UNet's second call, whatever is done, until layers go one by one."""
    expected = np.asarray(drain(denoise(own.pipeline, REQUEST)))
    rungs, calls = ladder(own.size, Needs(1024, 1024), 8 * GIB), []
    with Placed(own.pipeline, CARD) as placed:

        def full(*_: object) -> None:
            calls.append(placed.plan.placement)
            if placed.plan.placement is not Placement.SEQUENTIAL and len(calls) % 2 == 0:
                raise torch.OutOfMemoryError("full")

        handle = own.pipeline.unet.conv_in.register_forward_pre_hook(full)
        picture = drain(drawn(placed, rungs[0], rungs, lambda _: denoise(own.pipeline, REQUEST)))
        handle.remove()
        assert placed.plan.placement is Placement.SEQUENTIAL
    assert np.array_equal(np.asarray(picture), expected)
    assert Placement.MODEL_OFFLOAD in calls


def test_other_errors_are_not_taken_for_a_full_card(own: BaseModel) -> None:
    def draw(_: Plan) -> Generator[Step, None, None]:
        yield Step(1, 1)
        raise RuntimeError("something else")

    with Placed(own.pipeline, CARD) as placed, pytest.raises(RuntimeError, match="something else"):
        drain(drawn(placed, RUNGS[0], RUNGS, draw))
