"""Which base model a LoRA was made for: told by its keys and shapes, never by its metadata."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

Shapes = Mapping[str, tuple[int, ...]]


class BaseFamily(StrEnum):
    """Base architectures that LoRA files circulate for, by the names users know."""

    SDXL = "SDXL"
    SDXL_REFINER = "SDXL refiner"
    SD1 = "SD1.x"
    SD2 = "SD2.x"
    SD3 = "SD3"
    FLUX = "Flux"
    CASCADE = "Stable Cascade"
    CONTROL_LORA = "Control-LoRA"
    OTHER = "an unknown base"


@dataclass(frozen=True)
class BaseEvidence:
    """A verdict on the base and the key or shape that gave it away."""

    family: BaseFamily
    evidence: str


_BY_KEY = (
    (re.compile(r"^lora_controlnet$"), BaseFamily.CONTROL_LORA),
    (re.compile(r"double_blocks|single_blocks|single_transformer_blocks"), BaseFamily.FLUX),
    (re.compile(r"joint_blocks|transformer_blocks[._]\d+[._]attn[._]add_q_proj"), BaseFamily.SD3),
    (re.compile(r"^lora_prior_(unet|te)_"), BaseFamily.CASCADE),
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
_FIRST_ENCODER = re.compile(r"^(lora_te1?_|text_encoder\.|.*clip_l\.)")


def identify_base(shapes: Shapes, is_down: Callable[[str], bool]) -> BaseEvidence:
    """Judge the base of a LoRA file from its tensor names and shapes.

    Args:
        shapes: Tensor name -> shape, as in the file's header.
        is_down: Tells the tensors whose columns are a module's input features.

    Source: cross-attention width 768 / 1024 / 2048 / 1280 is that of SD1 / SD2 / SDXL / its refiner.
    """
    for key in shapes:
        for pattern, family in _BY_KEY:
            if pattern.search(key):
                return BaseEvidence(family, f"it has the key {key!r}")
    for key, shape in shapes.items():
        if len(shape) >= 2 and _CROSS_ATTENTION.search(key) and is_down(key) and shape[1] in _BY_CONTEXT:
            return BaseEvidence(_BY_CONTEXT[shape[1]], f"its cross-attention reads {shape[1]} features")
    for key in shapes:
        if _DEEP_TRANSFORMER.search(key):
            return BaseEvidence(BaseFamily.SDXL, f"it has the key {key!r}")
        if _SD1_ONLY.search(key):
            return BaseEvidence(BaseFamily.SD1, f"it has the key {key!r}")
    for key, shape in shapes.items():
        if _SECOND_ENCODER.search(key) and 1280 in shape[1:]:
            return BaseEvidence(BaseFamily.SDXL, f"the second text encoder's {key!r} reads 1280 features")
    for key, shape in shapes.items():
        if _FIRST_ENCODER.search(key) and len(shape) >= 2 and is_down(key):
            if shape[1] == 768:
                return BaseEvidence(BaseFamily.SD1, "it changes only one text encoder, 768 wide")
            if shape[1] == 1024:
                return BaseEvidence(BaseFamily.SD2, "it changes only one text encoder, 1024 wide")
    return BaseEvidence(BaseFamily.OTHER, "no key or shape of a known base was found")
