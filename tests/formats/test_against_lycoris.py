"""Every algorithm of LyCORIS: our weight update moves a layer as LyCORIS 4.1.3's own forward does."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from lycoris.modules.boft import ButterflyOFTModule
from lycoris.modules.diag_oft import DiagOFTModule
from lycoris.modules.full import FullModule
from lycoris.modules.glora import GLoRAModule
from lycoris.modules.ia3 import IA3Module
from lycoris.modules.locon import LoConModule
from lycoris.modules.loha import LohaModule
from lycoris.modules.lokr import LokrModule
from lycoris.modules.norms import NormModule
from lycoris.modules.tlora import TLoraModule
from safetensors.torch import save_file
from torch import Tensor, nn

from eigenlorax.formats.read import LoRAReader
from eigenlorax.module_path import Component, ModulePath, ModuleShape

NAME = "mid_block.resnets.0.conv1"
PATH = ModulePath(Component.UNET, NAME)

CASES = [
    ("lora", LoConModule, {"lora_dim": 4, "alpha": 2}),
    ("locon-tucker", LoConModule, {"lora_dim": 4, "alpha": 2, "use_tucker": True}),
    ("loha", LohaModule, {"lora_dim": 2, "alpha": 1}),
    ("loha-dense", LohaModule, {"lora_dim": 6, "alpha": 3}),
    ("loha-tucker", LohaModule, {"lora_dim": 2, "alpha": 1, "use_tucker": True}),
    ("lokr", LokrModule, {"lora_dim": 2, "alpha": 1, "factor": 4}),
    ("lokr-both", LokrModule, {"lora_dim": 1, "alpha": 3, "factor": 4, "decompose_both": True}),
    ("lokr-full", LokrModule, {"lora_dim": 10_000, "alpha": 7, "factor": 4, "full_matrix": True}),
    ("lokr-tucker", LokrModule, {"lora_dim": 1, "alpha": 2, "factor": 2, "use_tucker": True}),
    ("dora-in", LoConModule, {"lora_dim": 4, "alpha": 2, "weight_decompose": True, "wd_on_out": False}),
    ("dora-out", LoConModule, {"lora_dim": 4, "alpha": 2, "weight_decompose": True, "wd_on_out": True}),
    ("loha-dora", LohaModule, {"lora_dim": 2, "alpha": 1, "weight_decompose": True}),
    ("glora", GLoRAModule, {"lora_dim": 3, "alpha": 2}),
    ("ia3-out", IA3Module, {}),
    ("ia3-in", IA3Module, {"train_on_input": True}),
    ("oft", DiagOFTModule, {"lora_dim": 4}),
    ("oft-bound", DiagOFTModule, {"lora_dim": 4, "constraint": 0.01, "rescaled": True}),
    ("boft", ButterflyOFTModule, {"lora_dim": 4, "rescaled": True}),
    ("boft-bound", ButterflyOFTModule, {"lora_dim": 4, "constraint": 0.02}),
    ("tlora", TLoraModule, {"lora_dim": 3, "alpha": 2}),
    ("full", FullModule, {}),
]  # fmt: skip
LAYERS: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Linear(24, 16),
    "conv1": lambda: nn.Conv2d(24, 16, 1),
    "conv3": lambda: nn.Conv2d(12, 16, 3, padding=1),
}
NOT_DEFINED = {
    ("tlora", "conv3"),
    ("glora", "conv3"),
    ("locon-tucker", "linear"),
    ("locon-tucker", "conv1"),
    ("loha-tucker", "linear"),
    ("loha-tucker", "conv1"),
    ("lokr-tucker", "linear"),
    ("lokr-tucker", "conv1"),
}


def _filled(module: nn.Module, seed: int) -> nn.Module:
    """Move every trained number away from its neutral start."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return module


def _saved(module: nn.Module) -> dict[str, Tensor]:
    if isinstance(module, FullModule):  # before it is merged into its layer its weight is the difference
        return {"diff": module.weight.detach().clone(), "diff_b": module.bias.detach().clone()}
    state = module.custom_state_dict() if hasattr(module, "custom_state_dict") else None
    state = state or module.state_dict()
    return {key: value.detach().clone().contiguous() for key, value in state.items() if value is not None}


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize(("name", "cls", "options"), CASES, ids=[case[0] for case in CASES])
@pytest.mark.filterwarnings("ignore")
def test_update_moves_the_layer_as_lycoris_does(
    tmp_path: Path, kind: str, name: str, cls: type, options: dict[str, object]
) -> None:
    if (name, kind) in NOT_DEFINED:
        pytest.skip("LyCORIS has no such form")
    torch.manual_seed(7)
    layer = LAYERS[kind]().requires_grad_(False)
    base = layer.weight.detach().clone()
    module = _filled(cls("x", layer, 1.0, **options), 3)
    tensors = {f"lora_unet_{NAME.replace('.', '_')}.{key}": value for key, value in _saved(module).items()}
    path = tmp_path / "x.safetensors"
    save_file(tensors, path)
    x = torch.randn(5, base.shape[1], *(() if kind == "linear" else (6, 6)))
    expected = module(x) - layer(x)

    shape = ModuleShape(base.shape[0], base.shape[1], tuple(base.shape[2:]))
    bias = ModuleShape(base.shape[0], 1, is_vector=True)
    reader = LoRAReader({PATH: shape, PATH._replace(parameter="bias"): bias}, lambda _: base.flatten(1))
    report = reader.scan(path)
    assert report.usable, report.reason
    layers = reader.open(path).layers
    update = layers[PATH]
    dense = (update.up @ update.down).view_as(base)
    moved = x @ dense.mT if kind == "linear" else nn.functional.conv2d(x, dense, padding=layer.padding)
    if (delta := layers.get(PATH._replace(parameter="bias"))) is not None:
        vector = (delta.up @ delta.down).flatten()
        moved = moved + (vector if kind == "linear" else vector.view(1, -1, 1, 1))
    assert float((moved - expected).norm() / expected.norm()) < 2e-3


def test_norms(tmp_path: Path) -> None:
    layer = nn.LayerNorm(16).requires_grad_(False)
    module = _filled(NormModule("x", layer, 1.0), 3)
    name = "mid_block.resnets.0.norm1"
    tensors = {f"lora_unet_{name.replace('.', '_')}.{key}": v for key, v in _saved(module).items()}
    path = tmp_path / "x.safetensors"
    save_file(tensors, path)
    weight = ModulePath(Component.UNET, name)
    vector = ModuleShape(16, 1, is_vector=True)
    layout = {weight: vector, weight._replace(parameter="bias"): vector}
    layers = LoRAReader(layout, lambda p: getattr(layer, p.parameter)).open(path).layers
    changed = nn.LayerNorm(16)
    with torch.no_grad():
        for target, update in layers.items():
            getattr(changed, target.parameter).add_((update.up @ update.down).flatten())
    x = torch.randn(4, 16)
    torch.testing.assert_close(changed(x), module(x), rtol=1e-4, atol=1e-5)
