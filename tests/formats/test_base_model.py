"""Every base that LoRA files circulate for is told by keys and shapes, and refused or taken by name."""

import json
from pathlib import Path

import pytest

from eigenlorax.formats.base_model import BaseFamily, identify_base, not_a_lora
from eigenlorax.formats.read import LoRAReader
from eigenlorax.formats.report import Verdict
from eigenlorax.module_path import Component, ModulePath, ModuleShape
from tests import headers

SDXL = json.loads((Path(__file__).parents[1] / "fixtures" / "sdxl_unet_modules.json").read_text())


def kohya(names: dict[str, tuple[int, int]], rank: int = 4) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for name, (rows, columns) in names.items():
        shapes[f"{name}.lora_down.weight"] = (rank, columns)
        shapes[f"{name}.lora_up.weight"] = (rows, rank)
        shapes[f"{name}.alpha"] = ()
    return shapes


def attention(block: str, width: int, context: int, depth: int) -> dict[str, tuple[int, int]]:
    return {
        f"lora_unet_{block}_transformer_blocks_{index}_attn{kind}_to_{leaf}": (width, context if kind == 2 and leaf in "kv" else width)
        for index in range(depth)
        for kind in (1, 2)
        for leaf in "qkv"
    }  # fmt: skip


SD1 = attention("down_blocks_0_attentions_0", 320, 768, 1) | attention(
    "down_blocks_1_attentions_0", 640, 768, 1
)
SD2 = {name: (rows, 1024 if columns == 768 else columns) for name, (rows, columns) in SD1.items()}
REFINER = attention("down_blocks_1_attentions_0", 768, 1280, 4)
SSD_1B = {
    **attention("down_blocks_2_attentions_0", 1280, 2048, 4), **attention("down_blocks_2_attentions_1", 1280, 2048, 4),
    **attention("up_blocks_0_attentions_2", 1280, 2048, 10),
}  # fmt: skip
VEGA = {**attention("input_blocks_7_1", 1280, 2048, 2), **attention("input_blocks_8_1", 1280, 2048, 2)}
FULL_SDXL = {
    **attention("input_blocks_7_1", 1280, 2048, 10), **attention("input_blocks_8_1", 1280, 2048, 10),
    **attention("middle_block_1", 1280, 2048, 10),
}  # fmt: skip
CASES = {
    "sd1": (kohya(SD1), BaseFamily.SD1),
    "sd2": (kohya(SD2), BaseFamily.SD2),
    "refiner": (kohya(REFINER), BaseFamily.SDXL_REFINER),
    "ssd-1b": (kohya(SSD_1B), BaseFamily.SSD_1B),
    "vega": (kohya(VEGA), BaseFamily.VEGA),
    "sdxl": (kohya(FULL_SDXL), BaseFamily.SDXL),
    "sdxl, self-attention only": (kohya({n: s for n, s in FULL_SDXL.items() if "attn1" in n}), BaseFamily.SDXL),
    "sdxl, first encoder": (kohya({"lora_te1_text_model_encoder_layers_0_self_attn_q_proj": (768, 768)}), BaseFamily.SDXL),
    "sdxl, second encoder": (kohya({"lora_te2_text_model_encoder_layers_31_self_attn_q_proj": (1280, 1280)}), BaseFamily.SDXL),
    "sd1, text": (kohya({"lora_te_text_model_encoder_layers_0_self_attn_q_proj": (768, 768)}), BaseFamily.SD1),
    "sd2, text": (kohya({"lora_te_text_model_encoder_layers_0_self_attn_q_proj": (1024, 1024)}), BaseFamily.SD2),
    "flux, kohya": (kohya({"lora_unet_double_blocks_0_img_attn_qkv": (9216, 3072)}), BaseFamily.FLUX),
    "flux, diffusers": ({"transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight": (4, 3072)}, BaseFamily.FLUX),
    "sd3": (kohya({"lora_unet_joint_blocks_0_context_block_attn_qkv": (4608, 1536)}), BaseFamily.SD3),
    "sd3, diffusers": ({"transformer.transformer_blocks.0.attn.add_q_proj.lora_A.weight": (4, 1536)}, BaseFamily.SD3),
    "cascade": (kohya({"lora_prior_unet_down_blocks_0_1_attention_attn": (6144, 2048)}), BaseFamily.CASCADE),
    "z-image": (kohya({"lora_unet__layers_0_attention_qkv": (9216, 3072)}), BaseFamily.TRANSFORMER),
    "wan": ({"diffusion_model.blocks.0.cross_attn.k.lora_A.weight": (4, 5120)}, BaseFamily.TRANSFORMER),
    "anima": ({"llm_adapter.blocks.0.lora_A.weight": (4, 2048)}, BaseFamily.TRANSFORMER),
    "loha of sdxl": ({
        "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.hada_w1_a": (640, 4),
        "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.hada_w1_b": (4, 2048),
    }, BaseFamily.SDXL),
    "lokr of sd1": ({
        "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lokr_w1": (16, 16),
        "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lokr_w2": (40, 48),
    }, BaseFamily.SD1),
    "nothing known": ({"a.b.c": (3, 4)}, BaseFamily.OTHER),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_base_is_recognised(case: str) -> None:
    shapes, family = CASES[case]
    assert identify_base(shapes).family is family


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("lora_controlnet", "Control-LoRA"),
        ("unet:87:up", "positional"),
        ("model.diffusion_model.input_blocks.0.0.weight", "whole checkpoint"),
        ("control_model.input_blocks.0.0.weight", "ControlNet"),
        ("image_proj.latents", "IP-Adapter"),
        ("down_blocks.0.resnets.0.conv1.weight", "whole weights"),
    ],
)
def test_what_is_no_lora_is_called_by_its_name(key: str, kind: str) -> None:
    assert kind in not_a_lora({key: (4, 4)})
    assert key in not_a_lora({key: (4, 4)})


@pytest.mark.parametrize("case", CASES)
def test_a_lora_is_not_taken_for_something_else(case: str) -> None:
    assert not_a_lora(CASES[case][0]) == ""


@pytest.fixture(scope="module")
def sdxl_reader() -> LoRAReader:
    """A reader for the true SDXL UNet and both CLIPs, by their shapes alone."""
    return LoRAReader(headers.sdxl_layout(), lambda path: pytest.fail(f"asked for {path}"))


@pytest.mark.parametrize("case", CASES)
def test_the_true_sdxl_takes_its_own_and_refuses_the_others_by_name(
    tmp_path: Path, sdxl_reader: LoRAReader, case: str
) -> None:
    shapes, family = CASES[case]
    report = sdxl_reader.scan(headers.write(tmp_path / "x.safetensors", shapes))
    if case == "sd1, text":
        assert report.verdict is Verdict.USABLE  # the same names and shapes as SDXL's first encoder
    elif family is BaseFamily.SDXL and case != "loha of sdxl":
        assert (report.verdict, report.reason) == (Verdict.USABLE, "")
    elif family is BaseFamily.OTHER or case == "loha of sdxl":
        assert report.verdict is Verdict.BROKEN
    else:
        assert report.verdict is Verdict.OTHER_BASE
        assert family.value in report.reason


def test_every_module_of_the_true_sdxl_is_in_the_layout() -> None:
    layout = headers.sdxl_layout()
    unet = {path.name for path in layout if path.component is Component.UNET}
    assert {row[0] for row in SDXL} <= unet
    first = ModulePath(Component.TEXT_ENCODER, "text_model.encoder.layers.11.mlp.fc2")
    assert layout[first] == ModuleShape(768, 3072)
