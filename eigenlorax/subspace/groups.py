"""Which modules of an SDXL pipeline read one and the same input, and so may share one input basis."""

import re
from collections.abc import Iterable

from eigenlorax.module_path import Component, ModulePath

#: In diffusers' UNet2DConditionModel and transformers' CLIP: a module's name -> the name of what it reads.
_READS = (
    # The queries, keys and values of a self-attention read its normalised hidden states.
    (Component.UNET, re.compile(r"(.+\.attn1)\.to_[qkv]"), r"\1"),
    (Component.TEXT_ENCODER, re.compile(r"(.+\.self_attn)\.[qkv]_proj"), r"\1"),
    (Component.TEXT_ENCODER_2, re.compile(r"(.+\.self_attn)\.[qkv]_proj"), r"\1"),
    # Every cross-attention of the UNet reads the states of the text, every residual block the time embedding.
    (Component.UNET, re.compile(r".+\.attn2\.to_[kv]"), "text"),
    (Component.UNET, re.compile(r".+\.time_emb_proj"), "time"),
)


def reads_same_input(paths: Iterable[ModulePath]) -> list[tuple[ModulePath, ...]]:
    """The groups of two or more modules whose inputs are one tensor, in the order of their first members.

    Args:
        paths: Of a base model's layout, or some of it. What is no weight reads no input and is in no group.
    """
    groups: dict[tuple[Component, str], list[ModulePath]] = {}
    for path in paths:
        if path.parameter != "weight":
            continue
        for component, pattern, read in _READS:
            if component is path.component and (match := pattern.fullmatch(path.name)):
                groups.setdefault((component, match.expand(read)), []).append(path)
    return [tuple(members) for members in groups.values() if len(members) > 1]
