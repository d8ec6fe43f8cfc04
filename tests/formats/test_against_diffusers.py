"""Where diffusers 0.42.1 reads a file rightly, our weights are its weights (peft 0.21.2 does the adding)."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from eigenlorax.lora import LoRA
from eigenlorax.module_path import Component
from eigenlorax.runtime.inject import Injection
from eigenlorax.runtime.sdxl import BaseModel, load_base
from tests import tiny
from tests.conftest import CPU


def _peft(lora: LoRA) -> tuple[dict[str, Tensor], dict[str, str]]:
    tensors = {}
    for path, layer in lora.layers.items():
        tensors[f"{path}.lora_A.weight"], tensors[f"{path}.lora_B.weight"] = layer.down, layer.up
    components = {path.component.value for path in lora.layers}
    config = {f"{c}.{key}": value for c in components for key, value in (("r", 4), ("lora_alpha", 8))}
    for component in components:
        names = {path.name.rsplit(".", 1)[-1] for path in lora.layers if path.component.value == component}
        # peft's own setting: which modules carry the adapter, by the end of their names.
        config[f"{component}.target_modules"] = sorted(names)
    return tensors, {"lora_adapter_metadata": json.dumps(config)}


def _kohya(lora: LoRA) -> tuple[dict[str, Tensor], dict[str, str]]:
    return tiny.kohya_tensors(lora, alpha=2.0), {}


@pytest.mark.parametrize("write", [_kohya, _peft], ids=["kohya", "peft"])
@pytest.mark.filterwarnings("ignore:.*:UserWarning", "ignore:.*:FutureWarning")
def test_same_weights_as_diffusers(tmp_path: Path, tiny_model: Path, base: BaseModel, write: object) -> None:
    assert callable(write)
    lora = tiny.lora(base.layout, "x", 4, 3, components=tuple(Component), strength=4.0)
    if write is _peft:
        lora = LoRA(
            "x",
            {
                p: layer
                for p, layer in lora.layers.items()
                if p.component is Component.UNET and "to_out" not in p.name
            },
        )
    tensors, metadata = write(lora)
    path = tmp_path / "x.safetensors"
    save_file(tensors, path, metadata)
    theirs = load_base(str(tiny_model), CPU)
    theirs.pipeline.load_lora_weights(str(path))
    theirs.pipeline.fuse_lora()
    theirs.pipeline.unload_lora_weights()
    read = tiny.reader(base).open(path)
    with Injection(base.parameters) as injection:
        injection.apply(read.layers)
        for module in read.layers:
            torch.testing.assert_close(
                base.parameters[module], theirs.parameters[module], rtol=1e-5, atol=1e-6
            )
    assert len(read.layers) == len(lora.layers)
