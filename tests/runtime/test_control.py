"""A ControlNet beside the UNet guides as diffusers' own pipeline does, whatever styles are worn."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import ControlNetModel, StableDiffusionXLControlNetPipeline
from PIL import Image
from safetensors.torch import save_file

from eigenlorax.errors import InvalidRequestError, ModelLoadError
from eigenlorax.events import drain
from eigenlorax.lora import LoRA
from eigenlorax.recipe import ControlHint, GenerationRequest
from eigenlorax.runtime import control as control_module
from eigenlorax.runtime.control import ControlCase
from eigenlorax.runtime.engine import Engine
from eigenlorax.runtime.options import Mode
from eigenlorax.runtime.paint import paint
from eigenlorax.runtime.sdxl import BaseModel
from tests import tiny

REQUEST = GenerationRequest("a cat", seed=5, steps=4, guidance=4.0, width=64, height=64)
CPU = torch.device("cpu")
FILE = "diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, base: BaseModel) -> Path:
    """A ControlNet of the tiny UNet's whose way out is open, as training would have opened it."""
    net = ControlNetModel.from_unet(base.pipeline.unet, conditioning_channels=3)
    chance = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for opened in (
            *net.controlnet_down_blocks,
            net.controlnet_mid_block,
            net.controlnet_cond_embedding.conv_out,
        ):
            for parameter in opened.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=chance) * 0.2)
    path = tmp_path_factory.mktemp("control") / "net"
    net.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def hint(folder: Path) -> ControlHint:
    pixels = torch.randint(256, (64, 64, 3), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    return ControlHint(str(folder), Image.fromarray(pixels.numpy()))


@pytest.fixture(params=[Mode.MERGED, Mode.LIVE])
def engine(base: BaseModel, request: pytest.FixtureRequest) -> Iterator[Engine]:
    engine = Engine(base, request.param)
    yield engine
    engine.wear_nothing()


def case_of(base: BaseModel) -> ControlCase:
    return ControlCase(base.pipeline.unet.config)


def lora(base: BaseModel) -> LoRA:
    return tiny.lora(base.layout, "s", 4, 3, strength=3.0)


def drawn(engine: Engine, hint: ControlHint | None, batch: int = 1) -> list[Image.Image]:
    control = None if hint is None else case_of(engine.base).get(hint, (64, 64), CPU, torch.float32)
    return drain(paint(engine.base.pipeline, replace(REQUEST, batch=batch), engine.brush(control)))


def theirs(base: BaseModel, hint: ControlHint) -> Image.Image:
    """diffusers' own pipeline over the same parts, as they stand."""
    net = ControlNetModel.from_pretrained(hint.model)
    peer = StableDiffusionXLControlNetPipeline(
        **base.pipeline.components, controlnet=net, add_watermarker=False
    )
    peer.set_progress_bar_config(disable=True)
    return peer(
        REQUEST.prompt, image=hint.image, num_inference_steps=REQUEST.steps, guidance_scale=REQUEST.guidance,
        width=64, height=64, generator=torch.Generator().manual_seed(REQUEST.seed),
        controlnet_conditioning_scale=hint.scale, control_guidance_start=hint.start,
        control_guidance_end=hint.end,
    ).images[0]  # fmt: skip


def apart(one: Image.Image, other: Image.Image) -> int:
    """Largest difference of 8-bit pixels."""
    return int(np.abs(np.asarray(one, int) - np.asarray(other, int)).max())


@pytest.mark.parametrize("depths", [None, (0, 0, 0), (0, 0, 1)], ids=["whole", "small", "middle"])
def test_a_single_file_is_read_without_a_hub(
    base: BaseModel, folder: Path, tmp_path: Path, hint: ControlHint, monkeypatch: pytest.MonkeyPatch,
    depths: tuple[int, ...] | None,
) -> None:  # fmt: skip
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("something was asked of the network"))
    if depths is None:
        net = ControlNetModel.from_pretrained(folder)
    else:  # as diffusers' own smaller ones for SDXL are built
        kinds = ["CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in depths]
        given = ControlNetModel.from_pretrained(folder).config
        middle = given["mid_block_type"] if depths[-1] else "UNetMidBlock2D"
        net = ControlNetModel.from_config(
            {**given, "down_block_types": kinds, "mid_block_type": middle, "transformer_layers_per_block": 1}
        )
    save_file(net.state_dict(), tmp_path / "edges.safetensors")
    alone = replace(hint, model=str(tmp_path / "edges.safetensors"))
    model = case_of(base).get(alone, (64, 64), CPU, torch.float32).model
    asked = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    text = torch.randn(1, 5, net.config.cross_attention_dim, generator=torch.Generator().manual_seed(4))
    wide = net.config.projection_class_embeddings_input_dim - 6 * net.config.addition_time_embed_dim
    added = {"text_embeds": torch.ones(1, wide), "time_ids": torch.ones(1, 6)}
    both = [
        one(asked, 3, text, torch.ones(1, 3, 64, 64), added_cond_kwargs=added, return_dict=False)
        for one in (model, net.eval())
    ]
    for ours, theirs in zip([*both[0][0], both[0][1]], [*both[1][0], both[1][1]], strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("window", [(0.0, 1.0), (0.0, 0.5), (0.5, 1.0)])
@pytest.mark.parametrize("scale", [1.0, 0.4])
def test_same_picture_as_diffusers_with_a_style_worn(
    engine: Engine, hint: ControlHint, window: tuple[float, float], scale: float
) -> None:
    hint = replace(hint, scale=scale, start=window[0], end=window[1])
    engine.wear_lora(lora(engine.base), 1.0)
    ours, expected = drawn(engine, hint)[0], theirs(engine.base, hint)
    assert apart(ours, expected) <= 1
    assert apart(ours, drawn(engine, None)[0]) > 3
    engine.wear_nothing()
    assert apart(ours, drawn(engine, hint)[0]) > 3


def test_a_window_shuts_and_a_scale_of_zero_is_without(engine: Engine, hint: ControlHint) -> None:
    bare, whole = drawn(engine, None)[0], drawn(engine, hint)[0]
    assert drawn(engine, replace(hint, scale=0.0))[0].tobytes() == bare.tobytes()
    part = drawn(engine, replace(hint, end=0.5))[0]
    assert len({one.tobytes() for one in (bare, whole, part)}) == 3


def test_all_pictures_of_a_batch_are_guided(engine: Engine, hint: ControlHint) -> None:
    first, second = drawn(engine, hint, batch=2)
    assert apart(first, drawn(engine, hint)[0]) <= 1
    assert apart(first, second) > 3
    assert apart(second, drawn(engine, None, batch=2)[1]) > 3


def test_the_case_keeps_one_model(
    base: BaseModel, folder: Path, hint: ControlHint, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads, load = [], control_module._loaded
    monkeypatch.setattr(control_module, "_loaded", lambda *a: (loads.append(a[0]), load(*a))[1])
    case, other = case_of(base), folder.with_name("other")
    first = case.get(hint, (64, 64), CPU, torch.float32)
    assert case.get(replace(hint, scale=0.2), (80, 64), CPU, torch.float32).model is first.model
    assert case.get(hint, (80, 64), CPU, torch.float32).hint.shape == (1, 3, 64, 80)
    ControlNetModel.from_pretrained(folder).save_pretrained(other)
    case.get(replace(hint, model=str(other)), (64, 64), CPU, torch.float32)
    assert loads == [str(folder), str(other)]
    with pytest.raises(ModelLoadError):
        case.get(replace(hint, model=str(folder / "nowhere")), (64, 64), CPU, torch.float32)
    assert case.get(hint, (64, 64), CPU, torch.float64).model.dtype is torch.float64
    assert loads[2:] == [str(folder / "nowhere"), str(folder)]


def test_what_is_no_controlnet_for_sdxl_is_refused(
    base: BaseModel, folder: Path, tmp_path: Path, hint: ControlHint
) -> None:
    def refused(path: Path) -> str:
        with pytest.raises(ModelLoadError) as caught:
            case_of(base).get(replace(hint, model=str(path)), (64, 64), CPU, torch.float32)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    older = ControlNetModel(
        block_out_channels=(8, 8), layers_per_block=1, norm_num_groups=4, cross_attention_dim=8,
        attention_head_dim=2, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
    )  # fmt: skip
    older.save_pretrained(tmp_path / "sd15")
    assert "not one for SDXL" in refused(tmp_path / "sd15")
    assert "not one for SDXL" in refused(tmp_path / "sd15" / FILE)
    net = ControlNetModel.from_pretrained(folder)
    wide = ControlNetModel.from_config({**net.config, "cross_attention_dim": 48})
    wide.save_pretrained(tmp_path / "wide")
    assert "does not fit" in refused(tmp_path / "wide")
    assert "does not fit" in refused(tmp_path / "wide" / FILE)
    weights = net.state_dict()
    weights.pop("controlnet_mid_block.weight")
    save_file(weights, tmp_path / "part.safetensors")
    assert "lacks parts" in refused(tmp_path / "part.safetensors")
    for name, words in (
        ("lora_controlnet", "Control-LoRA"), ("task_embedding", "union"), ("conv.weight", "is no ControlNet"),
        ("control_model.input_hint_block.0.weight", "before diffusers"),
    ):  # fmt: skip
        save_file({name: torch.zeros(1)}, tmp_path / "other.safetensors")
        assert words in refused(tmp_path / "other.safetensors")
    older.save_pretrained(tmp_path / "pickled", safe_serialization=False)
    assert "safetensors" in refused(tmp_path / "pickled")
    (tmp_path / "net.ckpt").write_bytes(b"\x80\x02}q\x00.")
    assert "pickles are never opened" in refused(tmp_path / "net.ckpt")
    (tmp_path / "empty").mkdir()
    assert "cannot be loaded" in refused(tmp_path / "empty")


def test_settings_out_of_range(hint: ControlHint) -> None:
    for changes in ({"scale": 2.5}, {"start": 0.6, "end": 0.5}, {"end": 1.5}, {"start": -0.1}):
        with pytest.raises(InvalidRequestError, match="ControlNet"):
            replace(REQUEST, control=replace(hint, **changes)).check()
