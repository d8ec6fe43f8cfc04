"""Files in, exact float32 factors out, or the reason why not."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from eigenlorax.errors import InvalidFileError, WrongBaseError
from eigenlorax.formats.read import LoRAReader
from eigenlorax.formats.report import Fate, Verdict
from eigenlorax.module_path import Component
from eigenlorax.runtime.sdxl import BaseModel
from tests import tiny


@pytest.fixture(scope="module")
def reader(base: BaseModel) -> LoRAReader:
    return tiny.reader(base)


@settings(max_examples=20, deadline=None)
@given(rank=st.integers(1, 6), alpha=st.sampled_from([0.5, 1.0, 3.0, 8.0]), seed=st.integers(0, 999))
def test_any_rank_and_alpha_come_back(
    tmp_path_factory: pytest.TempPathFactory, base: BaseModel, rank: int, alpha: float, seed: int
) -> None:
    lora = tiny.lora(base.layout, "x", rank, seed, components=tuple(Component))
    path = tiny.write_lora(tmp_path_factory.getbasetemp() / "x.safetensors", lora, alpha)
    read = tiny.reader(base).open(path)
    assert set(read.layers) == set(lora.layers)
    for module, layer in lora.layers.items():
        torch.testing.assert_close(
            read.layers[module].up @ read.layers[module].down, layer.up @ layer.down, rtol=1e-6, atol=1e-7
        )


def test_every_tensor_has_one_fate(tmp_path: Path, base: BaseModel, reader: LoRAReader) -> None:
    path = tiny.write_lora(tmp_path / "x.safetensors", tiny.lora(base.layout, "x"))
    tensors = load_file(path)
    tensors["lora_unet_nowhere.lora_down.weight"] = torch.zeros(2, 2)
    save_file(tensors, path)
    report = reader.scan(path)
    assert set(report.fates) == set(tensors)
    assert report.verdict is Verdict.PARTLY
    assert "lora_unet_nowhere" in report.reason
    assert report.fates["lora_unet_nowhere.lora_down.weight"].fate is Fate.REFUSED
    alphas = [fate.fate for key, fate in report.fates.items() if key.endswith(".alpha")]
    assert alphas == [Fate.FOLDED] * len(report.modules)


def test_alpha_hidden_in_adapter_metadata(tmp_path: Path, base: BaseModel, reader: LoRAReader) -> None:
    lora = tiny.lora(base.layout, "x", rank=4)
    tensors = {}
    for module, layer in lora.layers.items():
        tensors[f"{module}.lora_A.weight"], tensors[f"{module}.lora_B.weight"] = layer.down, layer.up
    some = next(iter(lora.layers))
    settings_ = {"unet.r": 4, "unet.lora_alpha": 16, "unet.alpha_pattern": {some.name: 2}}
    path = tmp_path / "x.safetensors"
    save_file(tensors, path, {"lora_adapter_metadata": json.dumps(settings_)})
    read = reader.open(path)
    for module, layer in lora.layers.items():
        scale = 0.5 if module == some else 4.0
        torch.testing.assert_close(read.layers[module].up, layer.up * scale)


def test_rslora_divides_by_the_root(tmp_path: Path, base: BaseModel, reader: LoRAReader) -> None:
    lora = tiny.lora(base.layout, "x", rank=4)
    module, layer = next(iter(lora.layers.items()))
    path = tmp_path / "x.safetensors"
    save_file(
        {f"{module}.lora_A.weight": layer.down, f"{module}.lora_B.weight": layer.up},
        path,
        {"lora_adapter_metadata": json.dumps({"r": 4, "lora_alpha": 4, "use_rslora": True})},
    )
    torch.testing.assert_close(reader.open(path).layers[module].up, layer.up * 2.0)


def test_convolutions_are_flattened_and_tucker_cores_folded(
    tmp_path: Path, base: BaseModel, reader: LoRAReader
) -> None:
    module = tiny.any_path(base.layout, "resnets.0.conv1")
    shape = base.layout[module]
    up, down = torch.randn(shape.out_features, 3, 1, 1), torch.randn(3, shape.in_features, 1, 1)
    mid = torch.randn(3, 3, *shape.kernel)
    path = tmp_path / "x.safetensors"
    stem = f"lora_unet_{module.name.replace('.', '_')}"
    save_file(
        {
            f"{stem}.lora_up.weight": up,
            f"{stem}.lora_down.weight": down,
            f"{stem}.lora_mid.weight": mid,
            f"{stem}.alpha": torch.tensor(6.0),
        },
        path,
    )
    layer = reader.open(path).layers[module]
    dense = 2.0 * torch.einsum("mnhw,im,nj->ijhw", mid, up[..., 0, 0], down[..., 0, 0])
    torch.testing.assert_close(layer.up @ layer.down, dense.flatten(1), rtol=1e-5, atol=1e-5)


def test_nan_is_found_at_import_and_named(tmp_path: Path, base: BaseModel, reader: LoRAReader) -> None:
    path = tiny.write_lora(tmp_path / "x.safetensors", tiny.lora(base.layout, "x"))
    tensors = load_file(path)
    # Not the first layer: that one is read by the type checker of the test run itself.
    key = [key for key in tensors if key.endswith("lora_up.weight")][-1]
    tensors[key][0, 0] = float("nan")
    save_file(tensors, path)
    report = reader.verify(path)
    assert report.verdict is Verdict.BROKEN
    assert key in report.reason


def test_a_factor_without_its_partner_is_refused(tmp_path: Path, base: BaseModel, reader: LoRAReader) -> None:
    path = tiny.write_lora(tmp_path / "x.safetensors", tiny.lora(base.layout, "x"))
    tensors = load_file(path)
    del tensors[next(key for key in tensors if key.endswith("lora_up.weight"))]
    save_file(tensors, path)
    with pytest.raises(InvalidFileError, match="lacks its up"):
        reader.open(path)


@pytest.mark.parametrize(
    ("key", "shape", "words"),
    [
        ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k", (4, 768), "SD1.x"),
        ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k", (4, 1024), "SD2.x"),
        ("lora_unet_double_blocks_0_img_attn_qkv", (4, 3072), "Flux"),
        ("lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k", (4, 2048), "--model"),
    ],
)
def test_other_bases_are_named(
    tmp_path: Path, reader: LoRAReader, key: str, shape: tuple[int, int], words: str
) -> None:
    path = tmp_path / "x.safetensors"
    tensors = {f"{key}.lora_down.weight": torch.zeros(shape), f"{key}.lora_up.weight": torch.zeros(640, 4)}
    save_file(tensors, path)
    report = reader.scan(path)
    assert report.verdict is Verdict.OTHER_BASE
    assert words in report.reason
    with pytest.raises(WrongBaseError, match=words):
        reader.open(path)


def test_a_judgement_is_repeated_only_for_the_same_names_shapes_and_alphas(
    tmp_path: Path, base: BaseModel, reader: LoRAReader
) -> None:
    lora = tiny.lora(base.layout, "x", rank=4)
    tensors = {f"{module}.lora_A.weight": layer.down for module, layer in lora.layers.items()}
    tensors |= {f"{module}.lora_B.weight": layer.up for module, layer in lora.layers.items()}
    module = next(iter(lora.layers))
    ups = []
    for alpha in (None, 2, 8):
        metadata = (
            {} if alpha is None else {"lora_adapter_metadata": json.dumps({"r": 4, "lora_alpha": alpha})}
        )
        save_file(tensors, tmp_path / "x.safetensors", metadata)
        ups.append(reader.open(tmp_path / "x.safetensors").layers[module].up)
    torch.testing.assert_close(ups[1], ups[0] * 0.5)
    torch.testing.assert_close(ups[2], ups[0] * 2.0)
    save_file(tensors, tmp_path / "x.safetensors", {"alpha": "1"})
    torch.testing.assert_close(reader.open(tmp_path / "x.safetensors").layers[module].up, ups[0] * 0.25)
