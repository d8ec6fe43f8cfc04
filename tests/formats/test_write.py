"""What is written is what is read, in every dialect, and says so in its header."""

import base64
import io
import json
from datetime import datetime
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file

from eigenlorax.formats.card import Card, header_metadata, thumbnail_url
from eigenlorax.formats.containers import Found, find_loras
from eigenlorax.formats.dialect import Dialect, Precision, carries
from eigenlorax.formats.header import read_header
from eigenlorax.formats.metadata import embedded_cover, header_trigger_words, title_of
from eigenlorax.formats.report import Verdict
from eigenlorax.formats.write import LoRAPlan
from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import ModelLayout, ModulePath
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspace.truncate import relative_error
from tests import tiny

CARD = Card("My style", "my_style", "base", 1024, datetime(2026, 1, 2, 3, 4, 5))
TOLERANCE = {Precision.FP32: 1e-6, Precision.FP16: 1e-3, Precision.BF16: 8e-3}


def _layers(layout: ModelLayout, seed: int, share: float) -> dict[ModulePath, LoRALayer]:
    """Random updates of mixed ranks on a share of everything that can be changed, vectors included."""
    draw = torch.Generator().manual_seed(seed)
    layers = {}
    for path, shape in sorted(layout.items()):
        if float(torch.rand((), generator=draw)) < share:
            rows, columns = shape.matrix
            rank = 1 if shape.is_vector else 1 + int(torch.randint(min(rows, columns, 6), (), generator=draw))
            up, down = torch.randn(rows, rank, generator=draw), torch.randn(rank, columns, generator=draw)
            layers[path] = LoRALayer(up * 0.01, down * 0.1)
    return layers


def _plan(
    base: BaseModel, layers: dict[ModulePath, LoRALayer], dialect: Dialect, precision: Precision
) -> LoRAPlan:
    ranks = {path: layer.rank for path, layer in layers.items() if carries(dialect, base.layout[path])}
    return LoRAPlan(ranks, base.layout, dialect, precision, CARD, lambda path: path.name)


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("precision", Precision)
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**31), share=st.floats(0.05, 1.0))
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    base: BaseModel, dialect: Dialect, precision: Precision, seed: int, share: float,
) -> None:  # fmt: skip
    layers = _layers(base.layout, seed, share)
    plan = _plan(base, layers, dialect, precision)
    if not plan.ranks:
        return
    folder = tmp_path_factory.mktemp("written")
    target = folder / ("style" if dialect is Dialect.PEFT else "style.safetensors")
    plan.write(target, layers.__getitem__)
    files = [path for path in (target.rglob("*") if target.is_dir() else [target]) if path.is_file()]
    assert plan.file_bytes == sum(path.stat().st_size for path in files)
    (found,) = find_loras(target, folder)
    assert isinstance(found, Found)
    reader = tiny.reader(base)
    assert reader.scan(found.path).verdict is Verdict.USABLE
    read = reader.open(found.path).layers
    assert read.keys() == plan.ranks.keys()
    assert relative_error(read, {path: layers[path] for path in plan.ranks}) < TOLERANCE[precision]


@pytest.mark.parametrize("dialect", [Dialect.KOHYA_SGM, Dialect.KOHYA_DIFFUSERS])
def test_one_alpha_for_all_and_names_and_shapes_as_kohya_has_them(
    tmp_path: Path, base: BaseModel, dialect: Dialect
) -> None:
    layers = _layers(base.layout, 1, 1.0)
    path = tmp_path / "x.safetensors"
    _plan(base, layers, dialect, Precision.FP16).write(path, layers.__getitem__)
    tensors = load_file(path)
    assert {float(t) for name, t in tensors.items() if name.endswith(".alpha")} == {4.0}
    assert all(t.dtype is torch.float16 for t in tensors.values())
    sgm = dialect is Dialect.KOHYA_SGM
    conv, norm = ("input_blocks_0_0", "out_0") if sgm else ("conv_in", "conv_norm_out")
    rank = layers[tiny.any_path(base.layout, "conv_in")].rank
    assert tensors[f"lora_unet_{conv}.lora_down.weight"].shape == (rank, 4, 3, 3)
    assert tensors[f"lora_unet_{conv}.lora_up.weight"].shape == (16, rank, 1, 1)
    assert tensors[f"lora_unet_{conv}.diff_b"].shape == tensors[f"lora_unet_{norm}.w_norm"].shape == (16,)
    assert f"lora_unet_{norm}.b_norm" in tensors
    assert "lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_down.weight" in tensors
    assert "lora_te2_text_projection.lora_down.weight" in tensors


@pytest.mark.parametrize("dialect", [Dialect.DIFFUSERS, Dialect.PEFT])
def test_settings_and_tensors_agree_on_a_scale_of_one(
    tmp_path: Path, base: BaseModel, dialect: Dialect
) -> None:
    layers = _layers(base.layout, 2, 1.0)
    target = tmp_path / "x"
    plan = _plan(base, layers, dialect, Precision.FP32)
    plan.write(target, layers.__getitem__)
    if dialect is Dialect.PEFT:
        settings = json.loads((target / "unet" / "adapter_config.json").read_text())
    else:
        entry = json.loads(read_header(target).metadata["lora_adapter_metadata"])
        settings = {key.removeprefix("unet."): v for key, v in entry.items() if key.startswith("unet.")}
    assert (
        settings["r"]
        == settings["lora_alpha"]
        == max(r for p, r in plan.ranks.items() if p.component == "unet")
    )
    assert settings["rank_pattern"] == settings["alpha_pattern"] != {}
    assert settings["target_modules"] == sorted(p.name for p in plan.ranks if p.component == "unet")


def test_the_header_says_what_other_programs_look_for() -> None:
    picture = thumbnail_url(Image.new("RGBA", (600, 300), "red"))
    card = Card(
        "My style", "my_style", "sd_xl_base_1.0", 1024, datetime(2026, 1, 2, 3, 4, 5), ("neon glow", "night"),
        "Glows.", "Me", "CC-BY-4.0", ("neon", "style"), "neon 0.8, chalk 0.4", picture,
    )  # fmt: skip
    metadata = header_metadata(card, rank=12, alpha=8.0, conv_rank=6)
    assert (
        metadata.items()
        >= {
            "modelspec.sai_model_spec": "1.0.1",
            "modelspec.architecture": "stable-diffusion-xl-v1-base/lora",
            "modelspec.implementation": "https://github.com/Stability-AI/generative-models",
            "modelspec.title": "My style",
            "modelspec.date": "2026-01-02T03:04:05",
            "modelspec.resolution": "1024x1024",
            "modelspec.trigger_phrase": "neon glow, night",
            "modelspec.description": "Glows.",
            "modelspec.author": "Me",
            "modelspec.license": "CC-BY-4.0",
            "modelspec.tags": "neon, style",
            "modelspec.merged_from": "neon 0.8, chalk 0.4",
            "ss_base_model_version": "sdxl_base_v1-0",
            "ss_network_module": "networks.lora",
            "ss_network_dim": "12",
            "ss_network_alpha": "8",
            "ss_network_args": '{"conv_dim": "6", "conv_alpha": "8"}',
            "ss_output_name": "my_style",
            "ss_sd_model_name": "sd_xl_base_1.0",
            "ss_tag_frequency": '{"my_style": {"neon glow": 1, "night": 1}}',
        }.items()
    )
    assert all(isinstance(value, str) and value for value in metadata.values())
    assert title_of(metadata, "") == "My style"
    assert header_trigger_words(metadata) == ("neon glow", "night")
    cover = embedded_cover(metadata)
    assert cover == base64.b64decode(picture.partition(",")[2])
    with Image.open(io.BytesIO(cover)) as image:
        assert image.size == (256, 128)


def test_what_is_not_known_is_not_written() -> None:
    metadata = header_metadata(CARD, rank=4, alpha=4.0, conv_rank=0)
    assert not metadata.keys() & {
        "modelspec.license", "modelspec.author", "modelspec.thumbnail", "modelspec.trigger_phrase",
        "ss_tag_frequency", "ss_network_args", "ss_training_comment",
    }  # fmt: skip
