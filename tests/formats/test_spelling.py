"""Every spelling leads to its module, for the real SDXL's module list and for a small model's."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel

from eigenlorax.formats.sgm import sgm_names
from eigenlorax.formats.spelling import SpellingTable
from eigenlorax.module_path import Component, ModelLayout, ModulePath, ModuleShape
from eigenlorax.runtime.sdxl import BaseModel

FIXTURE = Path(__file__).parent.parent / "fixtures" / "sdxl_unet_modules.json"


@pytest.fixture(scope="module")
def sdxl() -> ModelLayout:
    """The real SDXL UNet's modules, and one layer of each text encoder."""
    layout = {
        ModulePath(Component.UNET, name): ModuleShape(out, into, () if kind == "L" else (kernel, kernel))
        for name, kind, out, into, kernel, *_ in json.loads(FIXTURE.read_text())
    }
    for component, width in ((Component.TEXT_ENCODER, 768), (Component.TEXT_ENCODER_2, 1280)):
        for leaf in ("self_attn.q_proj", "self_attn.out_proj", "mlp.fc1"):
            layout[ModulePath(component, f"text_model.encoder.layers.0.{leaf}")] = ModuleShape(width, width)
    layout[ModulePath(Component.TEXT_ENCODER_2, "text_projection")] = ModuleShape(1280, 1280)
    return layout


Q = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"
OUT = "mid_block.attentions.0.transformer_blocks.9.attn2.to_out.0"
TE = "text_model.encoder.layers.0.self_attn.q_proj"


@pytest.mark.parametrize(
    ("key", "component", "name", "role"),
    [
        ("lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q.lora_down.weight", "unet", Q, "down"),
        ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q.alpha", "unet", Q, "alpha"),
        (f"unet.{Q}.lora_A.weight", "unet", Q, "down"),
        (f"unet.{Q}.lora_B.default.weight", "unet", Q, "up"),
        (f"unet.{Q}.lora.up.weight", "unet", Q, "up"),
        (f"base_model.model.{Q}.lora_B.weight", "unet", Q, "up"),
        (f"{Q}.lora_A.weight", "unet", Q, "down"),
        (f"unet.{Q.replace('attn1.', 'attn1.processor.')}_lora.down.weight", "unet", Q, "down"),
        ("lora_unet_middle_block_1_transformer_blocks_9_attn2_to_out_0.lora_up.weight", "unet", OUT, "up"),
        ("unet." + OUT.replace("attn2.to_out.0", "attn2.processor.to_out_lora.up.weight"), "unet", OUT, "up"),
        (
            "diffusion_model.middle_block.1.transformer_blocks.9.attn2.to_out.0.lora_B.weight",
            "unet",
            OUT,
            "up",
        ),
        (
            "lora_te1_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight",
            "text_encoder",
            TE,
            "down",
        ),
        ("lora_te_text_model_encoder_layers_0_self_attn_q_proj.alpha", "text_encoder", TE, "alpha"),
        (f"text_encoder_2.{TE}.lora_linear_layer.up.weight", "text_encoder_2", TE, "up"),
        (f"clip_g.{TE}.lora_down.weight", "text_encoder_2", TE, "down"),
        ("lora_te2_text_projection.lora_up.weight", "text_encoder_2", "text_projection", "up"),
    ],
)
def test_spellings(sdxl: ModelLayout, key: str, component: str, name: str, role: str) -> None:
    placement = SpellingTable(sdxl).place(key)
    assert placement is not None
    assert (str(placement.candidates[0]), placement.role) == (f"{component}.{name}", role)


@pytest.mark.parametrize("key", ["lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight", "emb_params", ""])
def test_what_is_no_module_has_no_place(sdxl: ModelLayout, key: str) -> None:
    assert SpellingTable(sdxl).place(key) is None


def test_no_two_modules_share_a_spelling(sdxl: ModelLayout) -> None:
    table = SpellingTable(sdxl)
    flat = sgm_names(path.name for path in sdxl if path.component is Component.UNET)
    assert len(set(flat.values())) == len(flat) == 794
    for path in sdxl:
        placement = table.place(f"{path}.lora_A.weight")
        assert placement is not None
        assert placement.candidates == (path,)


def test_sgm_map_agrees_with_diffusers_on_every_block_module(sdxl: ModelLayout) -> None:
    """diffusers' own converter (0.42.1) is the independent program: each module carries its number."""
    flat = sgm_names(path.name for path in sdxl if path.component is Component.UNET)
    names = [name for name in flat if "_blocks." in name or name.startswith("mid_block")]
    tensors = {}
    for number, name in enumerate(names):
        stem = f"lora_unet_{flat[name].replace('.', '_')}"
        tensors[f"{stem}.lora_down.weight"] = torch.full((1, 1), float(number))
        tensors[f"{stem}.lora_up.weight"] = torch.full((1, 1), float(number))
    config = SimpleNamespace(layers_per_block=2)
    converted, _ = StableDiffusionXLPipeline.lora_state_dict(tensors, unet_config=config)
    table = SpellingTable(sdxl)
    placements = {key: table.place(key) for key in converted}
    found = {
        (p.candidates[0].name, p.role): int(converted[key]) for key, p in placements.items() if p is not None
    }
    expected = {(name, role): n for n, name in enumerate(names) for role in ("down", "up")}
    assert found == expected


def test_sgm_map_counts_blocks_from_the_model(base: BaseModel) -> None:
    names = {path.name for path in base.layout if path.component is Component.UNET}
    assert isinstance(base.pipeline.unet, UNet2DConditionModel)
    sgm = sgm_names(names)
    assert sgm["down_blocks.1.attentions.0.proj_in"] == "input_blocks.3.1.proj_in"
    assert sgm["down_blocks.0.downsamplers.0.conv"] == "input_blocks.2.0.op"
    assert sgm["up_blocks.0.attentions.1.proj_in"] == "output_blocks.1.1.proj_in"
    assert sgm["up_blocks.1.upsamplers.0.conv"] == "output_blocks.3.2.conv"
    assert len(set(sgm.values())) == len(names)
