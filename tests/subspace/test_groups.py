"""Modules that read one input: against SDXL's listing, and against what the modules of a real model are given."""

import json
from collections import defaultdict
from pathlib import Path

import torch

from eigenlorax.module_path import Component, ModulePath
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspace.groups import reads_same_input

LISTING = json.loads((Path(__file__).parents[1] / "fixtures" / "sdxl_unet_modules.json").read_text())
WIDTHS = {ModulePath(Component.UNET, name): width for name, _, _, width, *_ in LISTING}


def test_sdxl() -> None:
    groups = reads_same_input(WIDTHS)
    sizes = sorted(len(group) for group in groups)
    # 70 transformer blocks: 70 x (q, k, v), all their cross-attentions' keys and values; 17 residual blocks.
    assert sizes == [3] * 70 + [17, 140]
    assert all(len({WIDTHS[path] for path in group}) == 1 for group in groups)
    members = [path for group in groups for path in group]
    assert len(members) == len(set(members))
    assert not any(path.name.endswith(("attn2.to_q", "to_out.0")) for path in members)


def test_text_encoders_and_what_is_no_weight() -> None:
    layer = "text_model.encoder.layers.0.self_attn"
    paths = [
        ModulePath(component, f"{layer}.{side}_proj", parameter)
        for component in (Component.TEXT_ENCODER, Component.TEXT_ENCODER_2)
        for side in ("q", "k", "v", "out")
        for parameter in ("weight", "bias")
    ]
    groups = reads_same_input(paths)
    assert groups == [tuple(p for p in paths[at : at + 6] if p.parameter == "weight") for at in (0, 8)]
    assert reads_same_input(paths[:1]) == []


@torch.no_grad()
def test_the_modules_of_a_group_are_given_one_tensor_and_no_others_are(base: BaseModel) -> None:
    given: dict[ModulePath, torch.Tensor] = {}
    unet = base.pipeline.unet
    hooks = [
        module.register_forward_pre_hook(
            lambda _, inputs, name=name: given.__setitem__(ModulePath(Component.UNET, name), inputs[0])
        )
        for name, module in unet.named_modules()
        if isinstance(module, torch.nn.Linear)
    ]
    g = torch.Generator().manual_seed(0)
    text = torch.randn(1, 7, unet.config.cross_attention_dim, generator=g)
    width = unet.config.projection_class_embeddings_input_dim - 6 * unet.config.addition_time_embed_dim
    added = {"text_embeds": torch.randn(1, width, generator=g), "time_ids": torch.ones(1, 6)}
    try:
        unet(torch.randn(1, 4, 8, 8, generator=g), 500, text, added_cond_kwargs=added)
    finally:
        for hook in hooks:
            hook.remove()
    seen = defaultdict(list)
    for path, tensor in given.items():
        seen[(tuple(tensor.shape), tensor.double().sum().item())].append(path)
    expected = {frozenset(paths) for paths in seen.values() if len(paths) > 1}
    assert {frozenset(group) for group in reads_same_input(given)} == expected
