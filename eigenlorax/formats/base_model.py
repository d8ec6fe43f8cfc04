"""Which base model a LoRA was made for: told by its keys and shapes, never by its metadata."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from eigenlorax.formats.spelling import split_ending

Shapes = Mapping[str, tuple[int, ...]]


class BaseFamily(StrEnum):
    """Base architectures that LoRA files circulate for, by the names users know."""

    SDXL = "SDXL"
    SDXL_REFINER = "the SDXL refiner"
    SSD_1B = "SSD-1B"
    VEGA = "Segmind Vega"
    SD1 = "SD1.x"
    SD2 = "SD2.x"
    SD3 = "SD3"
    FLUX = "Flux"
    CASCADE = "Stable Cascade"
    TRANSFORMER = "a diffusion transformer (Z-Image, Anima, Wan, Hunyuan, ...)"
    OTHER = "an unknown base"


@dataclass(frozen=True)
class BaseEvidence:
    """A verdict on the base and the key or shape that gave it away."""

    family: BaseFamily
    evidence: str


_NO_LORA = (
    (re.compile(r"^lora_controlnet$"), "is a Control-LoRA, which steers composition and is no style LoRA"),
    (
        re.compile(r"^(unet|text_encoder):\d+:(up|down)$"),
        "is a positional file of cloneofsimo's trainer (SD1.x): its keys are numbers, not module names",
    ),
    (re.compile(r"^(control_model\.|controlnet_)"), "is a ControlNet, not a LoRA"),
    (re.compile(r"^(image_proj|ip_adapter)\."), "is an IP-Adapter, not a LoRA"),
    (
        re.compile(
            r"^(model\.diffusion_model|first_stage_model|cond_stage_model|conditioner)\..+\.(weight|bias)$"
        ),
        "is a whole checkpoint, not a LoRA: start with --model to draw with it",
    ),
    (
        re.compile(
            r"^((down|up)_blocks\.\d+\.resnets\.\d+\.conv1\.weight|encoder\.down\.0\.block\.0\.conv1\.weight)$"
        ),
        "holds whole weights of a model, not a LoRA",
    ),
)
_LORA_MARK = re.compile(r"lora|hada_|lokr_|oft_|\.diff(_b)?$|alpha|a1\.weight|on_input")
_BY_KEY = (
    (re.compile(r"double_blocks|single_blocks|single_transformer_blocks"), BaseFamily.FLUX),
    (re.compile(r"joint_blocks|transformer_blocks[._]\d+[._]attn[._]add_q_proj|lora_te3_"), BaseFamily.SD3),
    (re.compile(r"^lora_prior_(unet|te)_"), BaseFamily.CASCADE),
    (
        re.compile(
            r"^lora_unet__|^lora_transformer_|^transformer\.|llm_adapter|^diffusion_model\.(layers|blocks)\.|"
            r"[._]blocks[._]\d+[._](cross|self)_attn"
        ),
        BaseFamily.TRANSFORMER,
    ),
)
_CROSS_ATTENTION = re.compile(r"attn2[._](processor[._])?to_[kv]")
_BY_CONTEXT = {
    768: BaseFamily.SD1,
    1024: BaseFamily.SD2,
    2048: BaseFamily.SDXL,
    1280: BaseFamily.SDXL_REFINER,
}
_SD1_ONLY = re.compile(
    r"(down_blocks[._]0[._]attentions|up_blocks[._]3[._]attentions|"
    r"input_blocks[._][12][._]1[._]|output_blocks[._](6|7|8|9|10|11)[._]1[._])"
)
_DEEP_TRANSFORMER = re.compile(r"(down_blocks|up_blocks|mid_block|middle_block|input_blocks|output_blocks).*"
                               r"transformer_blocks[._][1-9]")  # fmt: skip
_SECOND_ENCODER = re.compile(r"^(lora_te2_|text_encoder_2\.|.*clip_g\.)")
_FIRST_OF_TWO = re.compile(r"^(lora_te1_|.*clip_l\.)")
_ONLY_ENCODER = re.compile(r"^(lora_te_|text_encoder\.)")
_MID = re.compile(r"mid_block[._]attentions|middle_block[._]1[._]")
_DOWN_2 = re.compile(r"(down_blocks[._]2[._]attentions[._](?P<d>\d)|input_blocks[._](?P<s>[78])[._]1)[._].*"
                     r"transformer_blocks[._](?P<index>\d+)")  # fmt: skip
#: Highest transformer index in the third down block, where it is whole and the middle has no attention.
_BY_DEPTH = {3: BaseFamily.SSD_1B, 1: BaseFamily.VEGA}


def not_a_lora(shapes: Shapes) -> str:
    """What a file is when its keys show that it is no LoRA at all; empty when they do not."""
    for key in shapes:
        for pattern, kind in _NO_LORA:
            if pattern.search(key) and (key == "lora_controlnet" or not _LORA_MARK.search(key)):
                return f"{kind} (it has the key {key!r})"
    return ""


def identify_base(shapes: Shapes) -> BaseEvidence:
    """Judge the base of a LoRA file from its tensor names and shapes.

    Args:
        shapes: Tensor name -> shape, as in the file's header.

    Source: cross-attention width 768 / 1024 / 2048 / 1280 is that of SD1 / SD2 / SDXL / its refiner; SSD-1B
        and Vega are SDXL with shallower transformers and no attention in the middle.
    """
    for key in shapes:
        for pattern, family in _BY_KEY:
            if pattern.search(key):
                return BaseEvidence(family, f"it has the key {key!r}")
    for key, width in _input_widths(shapes, _CROSS_ATTENTION):
        if width in _BY_CONTEXT:
            family = _BY_CONTEXT[width]
            if family is BaseFamily.SDXL and (shallow := _shallow(shapes)):
                return shallow
            return BaseEvidence(family, f"its cross-attention reads {width} features ({key!r})")
    if shallow := _shallow(shapes):
        return shallow
    for key in shapes:
        if _DEEP_TRANSFORMER.search(key):
            return BaseEvidence(BaseFamily.SDXL, f"it has the key {key!r}")
        if _SD1_ONLY.search(key):
            return BaseEvidence(BaseFamily.SD1, f"it has the key {key!r}")
    for key, width in _input_widths(shapes, _SECOND_ENCODER):
        if width in (1280, 5120):
            return BaseEvidence(BaseFamily.SDXL, f"the second text encoder's {key!r} reads {width} features")
    for key, width in _input_widths(shapes, _FIRST_OF_TWO):
        if width in (768, 3072):
            return BaseEvidence(BaseFamily.SDXL, f"it names the first of two text encoders ({key!r})")
    for key, width in _input_widths(shapes, _ONLY_ENCODER):
        if width in (768, 3072):
            return BaseEvidence(BaseFamily.SD1, f"it changes only one text encoder, 768 wide ({key!r})")
        if width in (1024, 4096):
            return BaseEvidence(BaseFamily.SD2, f"it changes only one text encoder, 1024 wide ({key!r})")
    return BaseEvidence(BaseFamily.OTHER, "no key or shape of a known base was found")


def _input_widths(shapes: Shapes, pattern: re.Pattern[str]) -> Iterator[tuple[str, int]]:
    """(tensor name, input features of its module) for the modules that `pattern` finds."""
    for key, shape in shapes.items():
        if not pattern.search(key) or len(shape) < 2 or (ending := split_ending(key)) is None:
            continue
        if ending.role in ("down", "hada_w1_b", "diff"):
            yield key, shape[1]
        elif ending.role in ("lokr_w1", "lokr_w1_b"):
            for role in ("lokr_w2", "lokr_w2_b"):
                if (other := shapes.get(f"{ending.stem}.{role}")) and len(other) >= 2:
                    yield key, shape[1] * other[1]


def _shallow(shapes: Shapes) -> BaseEvidence | None:
    found = [match for key in shapes if (match := _DOWN_2.search(key))]
    places = {int(m["d"]) if m["d"] else int(m["s"]) - 7 for m in found}
    deepest = max((int(match["index"]) for match in found), default=-1)
    if len(places) < 2 or deepest not in _BY_DEPTH or any(_MID.search(key) for key in shapes):
        return None
    return BaseEvidence(
        _BY_DEPTH[deepest],
        f"its third down block has {deepest + 1} transformer layers where SDXL has 10, its middle has none",
    )
