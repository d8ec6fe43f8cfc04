"""PEFT folders: what peft 0.21.2 merges into the weights is what we read from what it saved."""

import copy
import warnings
from pathlib import Path

import pytest
import torch
from peft import LoHaConfig, LoKrConfig, LoraConfig, get_peft_model
from torch import nn

from eigenlorax.formats.containers import Found, find_loras
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.runtime.sdxl import BaseModel
from tests import tiny

TARGETS = ["to_q", "to_v", "to_out.0", "ff.net.2"]
CONFIGS = {
    "lora": LoraConfig(r=4, lora_alpha=8, target_modules=TARGETS, init_lora_weights=False),
    "rslora": LoraConfig(r=4, lora_alpha=6, use_rslora=True, target_modules=TARGETS, init_lora_weights=False),
    "patterns": LoraConfig(
        r=4, lora_alpha=8, rank_pattern={"to_v": 2}, alpha_pattern={"to_v": 7, "ff.net.2": 1},
        target_modules=TARGETS, init_lora_weights=False,
    ),
    "dora": LoraConfig(r=4, lora_alpha=8, use_dora=True, target_modules=TARGETS, init_lora_weights=False),
    "convolutions": LoraConfig(r=3, lora_alpha=6, target_modules=["conv1", "conv_shortcut"], init_lora_weights=False),
    "loha": LoHaConfig(r=3, alpha=6, target_modules=TARGETS, init_weights=False),
    "lokr": LoKrConfig(r=2, alpha=6, target_modules=TARGETS, init_weights=False),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFIGS)
def test_a_peft_folder_is_read_as_peft_merges_it(tmp_path: Path, base: BaseModel, name: str) -> None:
    torch.manual_seed(7)
    unet = copy.deepcopy(base.pipeline.unet)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = get_peft_model(unet, copy.deepcopy(CONFIGS[name]))
        model.save_pretrained(tmp_path / "style")
        merged: nn.Module = model.merge_and_unload()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (found,) = find_loras(tmp_path / "style", scratch)
    assert isinstance(found, Found)
    lora = tiny.reader(base).open(found.path)
    now = dict(merged.named_parameters())
    changed = {
        path
        for path in base.layout
        if path.component is Component.UNET
        and not torch.equal(now[f"{path.name}.{path.parameter}"], base.parameters[path])
    }
    assert set(lora.layers) == changed
    for path in changed:
        expected = now[f"{path.name}.{path.parameter}"] - base.parameters[path]
        layer = lora.layers[ModulePath(path.component, path.name, path.parameter)]
        difference = (layer.up @ layer.down).view_as(expected) - expected
        assert float(difference.norm() / expected.norm()) < (
            2e-3 if name in ("dora", "loha", "lokr") else 1e-5
        )
