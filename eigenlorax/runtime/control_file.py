"""ControlNets in a single file: what they are by their names and sizes, and how they are loaded.

A file holds no configuration; the base model's own has what the sizes do not tell, so no hub is asked.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import ControlNetModel
from safetensors.torch import load_file

from eigenlorax.errors import InvalidFileError, ModelLoadError
from eigenlorax.formats.header import read_header

Shapes = Mapping[str, tuple[int, ...]]
Config = Mapping[str, Any]

_ENTRY = "controlnet_cond_embedding.conv_in.weight"
_TEXT_AND_SIZE = "add_embedding.linear_1.weight"
#: How the names of a file's tensors begin -> what it is; the first that is found counts.
_OTHERS = (
    (("lora_controlnet",), "a Control-LoRA"),
    (("task_embedding", "control_add_embedding."), "a union of several ControlNets"),
    (("lllite_",), "a ControlNet-LLLite"),
    (("adapter.", "body.", "conv_in.weight.adapter"), "a T2I-Adapter"),
    (("image_proj.", "ip_adapter."), "an IP-Adapter"),
    (("control_model.", "input_hint_block."), "a ControlNet in the layout before diffusers"),
)
_RESNET = re.compile(r"down_blocks\.(\d+)\.resnets\.(\d+)\.")
_LAYER = re.compile(r"(down_blocks\.(\d+)|mid_block)\.attentions\.0\.transformer_blocks\.(\d+)\.")
_SHRINKING = re.compile(r"controlnet_cond_embedding\.blocks\.(\d*[13579])\.weight")


def misfit(shapes: Shapes, unet: Config) -> str:
    """Why a file with such tensors cannot steer this UNet, in words; empty when it can.

    Args:
        shapes: Tensor name -> shape, from the file's header.
        unet: The UNet's configuration.
    """
    for starts, kind in _OTHERS:
        if any(name.startswith(starts) for name in shapes):
            return f"is {kind}, which is not read here: take a ControlNet in diffusers' layout"
    if _ENTRY not in shapes:
        return "is no ControlNet"
    if _TEXT_AND_SIZE not in shapes:
        return "is a ControlNet, but not one for SDXL: choose one that is"
    keys = [shape[1] for name, shape in shapes.items() if name.endswith("attn2.to_k.weight")]
    right = (
        shapes.get("conv_in.weight", ())[:2] == (unet["block_out_channels"][0], unet["in_channels"]),
        shapes[_TEXT_AND_SIZE][1:] == (unet["projection_class_embeddings_input_dim"],),
        all(size == unet["cross_attention_dim"] for size in keys),
    )
    return "" if all(right) else "is a ControlNet for a model of another size: it does not fit this one"


def load_control_file(path: Path, unet: Config, dtype: torch.dtype) -> ControlNetModel:
    """A ControlNet from its weights alone.

    Args:
        path: A .safetensors file with diffusers' names.
        unet: The configuration of the UNet that it steers.
        dtype: Precision of the weights in memory.

    Raises:
        ModelLoadError: it is something else, or made for another model; says what.
    """
    try:
        shapes = read_header(path).shapes
    except InvalidFileError as error:
        raise ModelLoadError(str(error)) from error
    if reason := misfit(shapes, unet):
        raise ModelLoadError(f"{path.name} {reason}")
    with torch.device("meta"):
        model = ControlNetModel(**_config(shapes, unet))
    try:
        weights = {name: tensor.to(dtype) for name, tensor in load_file(path).items()}
        model.load_state_dict(weights, assign=True)
    except RuntimeError as error:
        raise ModelLoadError(
            f"{path.name} lacks parts of a ControlNet, or has others beside: download it again"
        ) from error
    return model


def _config(shapes: Shapes, unet: Config) -> dict[str, Any]:
    """The configuration that has tensors of these sizes: the depths are counted, the rest is the UNet's."""
    resnets: dict[int, int] = {}
    layers: dict[str, int] = {}
    for name in shapes:
        if match := _RESNET.match(name):
            resnets[int(match[1])] = max(resnets.get(int(match[1]), 0), int(match[2]) + 1)
        elif match := _LAYER.match(name):
            layers[match[1]] = max(layers.get(match[1], 0), int(match[3]) + 1)
    blocks = [f"down_blocks.{place}" for place in range(len(resnets))]
    depths = [layers.get(block, 0) for block in blocks]
    crossed = "mid_block" in layers
    if crossed:
        depths[-1] = layers["mid_block"]
    shrinking = sorted((int(m[1]), shapes[name][0]) for name in shapes if (m := _SHRINKING.match(name)))
    return {
        "in_channels": unet["in_channels"],
        "conditioning_channels": shapes[_ENTRY][1],
        "conditioning_embedding_out_channels": [shapes[_ENTRY][0], *(size for _, size in shrinking)],
        "down_block_types": [
            "CrossAttnDownBlock2D" if block in layers else "DownBlock2D" for block in blocks
        ],
        "mid_block_type": "UNetMidBlock2DCrossAttn" if crossed else "UNetMidBlock2D",
        "layers_per_block": max(resnets.values(), default=1),
        "transformer_layers_per_block": [max(1, depth) for depth in depths],
        **{name: unet[name] for name in _SHARED if name in unet},
    }


_SHARED = (
    "block_out_channels", "cross_attention_dim", "attention_head_dim", "num_attention_heads",
    "use_linear_projection", "addition_embed_type", "addition_time_embed_dim", "norm_num_groups", "norm_eps",
    "projection_class_embeddings_input_dim", "act_fn", "downsample_padding", "flip_sin_to_cos", "freq_shift",
    "upcast_attention", "resnet_time_scale_shift", "mid_block_scale_factor",
)  # fmt: skip
"""What a ControlNet takes over from the UNet that it steers; `ControlNetModel.from_unet` does so too."""
