"""diffusers module names of an SDXL UNet <-> the names of Stability's own code (sgm, LDM)."""

import re
from collections.abc import Iterable

_RESNET_LEAVES = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0", "conv2": "out_layers.3", "conv_shortcut": "skip_connection",
}  # fmt: skip
_TOP_LEVEL = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_BLOCK = re.compile(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)")
_MIDDLE = re.compile(r"mid_block\.(resnets|attentions)\.(\d+)\.(.+)")


def sgm_names(diffusers_names: Iterable[str]) -> dict[str, str]:
    """Map each diffusers UNet module name to its sgm name.

    With L resnets per down block, down block b holds input_blocks (L+1)b+1 ... (L+1)b+L and its
    downsampler (L+1)(b+1); up block b holds output_blocks (L+1)b ... (L+1)b+L. L is counted from the
    names, so any SDXL-class UNet is covered, not just the full-size one.

    Source: the state-dict layout of github.com/Stability-AI/generative-models (openaimodel.py).
    """
    names = list(diffusers_names)
    down_resnets = [m for n in names if (m := _BLOCK.fullmatch(n)) and m[1] == "down" and m[3] == "resnets"]
    per_block = 1 + max((int(m[4]) for m in down_resnets), default=0)
    attended = {m[2] for n in names if (m := _BLOCK.fullmatch(n)) and m[1] == "up" and m[3] == "attentions"}
    pairs = ((name, _translate(name, per_block, attended)) for name in names)
    return {name: translated for name, translated in pairs if translated is not None}


def _translate(name: str, per_block: int, attended_up_blocks: set[str]) -> str | None:
    if name in _TOP_LEVEL:
        return _TOP_LEVEL[name]
    if match := _MIDDLE.fullmatch(name):
        kind, index, leaf = match[1], int(match[2]), match[3]
        place = 1 if kind == "attentions" else 2 * index
        return f"middle_block.{place}.{_leaf(kind, leaf)}"
    if not (match := _BLOCK.fullmatch(name)):
        return None
    direction, block, kind, index, leaf = match[1], int(match[2]), match[3], int(match[4]), match[5]
    stride = per_block + 1
    if kind == "downsamplers":
        return f"input_blocks.{stride * (block + 1)}.0.op"
    if kind == "upsamplers":
        place = 2 if match[2] in attended_up_blocks else 1
        return f"output_blocks.{stride * block + per_block}.{place}.{leaf}"
    place = 1 if kind == "attentions" else 0
    if direction == "down":
        return f"input_blocks.{stride * block + index + 1}.{place}.{_leaf(kind, leaf)}"
    return f"output_blocks.{stride * block + index}.{place}.{_leaf(kind, leaf)}"


def _leaf(kind: str, leaf: str) -> str:
    return _RESNET_LEAVES.get(leaf, leaf) if kind == "resnets" else leaf
