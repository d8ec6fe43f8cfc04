"""Models are loaded from where the user points, or the reason is said in one line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file

from eigenlorax.errors import ModelLoadError
from eigenlorax.events import drain
from eigenlorax.module_path import Component
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime import sources
from eigenlorax.runtime.generate import denoise
from eigenlorax.runtime.hardware import Hardware
from eigenlorax.runtime.options import LoadOptions, Placement, Precision
from eigenlorax.runtime.plan import Needs
from eigenlorax.runtime.precision import vae_dtype
from eigenlorax.runtime.sdxl import BaseModel, load_base
from tests.conftest import CPU

REQUEST = GenerationRequest("a cat", seed=5, steps=2, guidance=4.0, width=64, height=64)
FP16, BF16, FP32 = torch.float16, torch.bfloat16, torch.float32


@pytest.fixture
def copied(tiny_model: Path, tmp_path: Path) -> Path:
    """The tiny model's folder, to be changed."""
    return Path(shutil.copytree(tiny_model, tmp_path / "copied"))


def _vae_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_layout_is_read_from_the_model(base: BaseModel) -> None:
    names = {str(path) for path in base.layout}
    assert "text_encoder.text_model.encoder.layers.0.self_attn.q_proj" in names
    assert "text_encoder_2.text_model.encoder.layers.0.self_attn.q_proj" in names
    assert "text_encoder_2.text_projection" in names
    assert {path.component for path in base.layout} == set(Component)
    for path, parameter in base.parameters.items():
        assert tuple(parameter.reshape(parameter.shape[0], -1).shape) == base.layout[path].matrix
    assert "unet.down_blocks.0.resnets.0.norm1" in names
    assert "unet.down_blocks.0.resnets.0.conv1:bias" in names


@pytest.mark.parametrize("model", ["nowhere/at/all", "./nope", "name-without-owner"])
def test_a_model_that_is_not_there(model: str) -> None:
    with pytest.raises(ModelLoadError, match="does not exist"):
        load_base(model, CPU)


def test_a_folder_that_is_no_pipeline(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match=r"model_index\.json"):
        load_base(str(tmp_path), CPU)
    (tmp_path / "model_index.json").write_text("{}")
    with pytest.raises(ModelLoadError, match="cannot be loaded"):
        load_base(str(tmp_path), CPU)


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    path.write_bytes(b"\x80\x02")
    with pytest.raises(ModelLoadError, match="pickles are never opened"):
        load_base(str(path), CPU)


def test_a_text_file_named_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_text("hello")
    with pytest.raises(ModelLoadError) as caught:
        load_base(str(path), CPU)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ending", [".ckpt", ".pt", ".pth", ".bin"])
def test_a_pickle_is_told_how_to_be_converted(tmp_path: Path, ending: str) -> None:
    path = (tmp_path / "model").with_suffix(ending)
    path.write_bytes(b"\x80\x02")
    with pytest.raises(ModelLoadError, match="with a tool you trust"):
        load_base(str(path), CPU)


@pytest.mark.parametrize(
    ("weights", "config", "options", "name", "expected"),
    [
        (FP32, {"force_upcast": True}, LoadOptions(), "", FP32),
        (BF16, {"force_upcast": True}, LoadOptions(), "", BF16),
        (FP16, {"force_upcast": True}, LoadOptions(), "", FP32),
        (FP16, {}, LoadOptions(), "", FP32),
        (FP16, {"force_upcast": False}, LoadOptions(), "", FP16),
        (FP16, {"force_upcast": True}, LoadOptions(), "sdxl_vae_fp16_fix.safetensors", FP16),
        (FP16, {"force_upcast": True}, LoadOptions(), "sdxl_vae_fp16.safetensors", FP32),
        (FP16, {"force_upcast": False}, LoadOptions(half_vae=False), "", FP32),
        (BF16, {"force_upcast": False}, LoadOptions(half_vae=False), "", FP32),
    ],
)
def test_the_vae_never_overflows(
    weights: torch.dtype, config: dict[str, bool], options: LoadOptions, name: str, expected: torch.dtype
) -> None:
    assert vae_dtype(weights, config, options, name) is expected


@pytest.mark.parametrize(
    ("precision", "weights", "vae"),
    [
        (Precision.AUTO, FP32, FP32),
        (Precision.FP32, FP32, FP32),
        (Precision.FP16, FP16, FP32),
        (Precision.BF16, BF16, BF16),
    ],
)
def test_each_part_has_its_precision(
    tiny_model: Path, base: BaseModel, precision: Precision, weights: torch.dtype, vae: torch.dtype
) -> None:
    loaded = load_base(str(tiny_model), CPU, LoadOptions(precision=precision))
    parts = (loaded.pipeline.unet, loaded.pipeline.text_encoder, loaded.pipeline.text_encoder_2)
    assert {part.dtype for part in parts} == {weights}
    assert loaded.pipeline.vae.dtype is vae
    ours, theirs = loaded.pipeline.vae.state_dict(), base.pipeline.vae.state_dict()
    assert all(torch.equal(ours[name], value.to(vae)) for name, value in theirs.items())
    assert drain(denoise(loaded.pipeline, REQUEST)).size == (64, 64)


def test_another_vae_from_a_folder_or_a_model(copied: Path, tiny_model: Path) -> None:
    weights = load_file(copied / "vae" / "diffusion_pytorch_model.safetensors")
    save_file({k: v + 1 for k, v in weights.items()}, copied / "vae" / "diffusion_pytorch_model.safetensors")
    _vae_config(copied / "vae", scaling_factor=0.13025)
    for given in (copied, copied / "vae"):
        loaded = load_base(str(tiny_model), CPU, LoadOptions(vae=str(given)))
        state = loaded.pipeline.vae.state_dict()
        assert all(torch.equal(state[name], value + 1) for name, value in weights.items())
    _vae_config(copied / "vae", force_upcast=False)
    half = load_base(str(tiny_model), CPU, LoadOptions(precision=Precision.FP16, vae=str(copied)))
    assert half.pipeline.vae.dtype is FP16


def test_another_vae_from_a_single_file(
    tmp_path: Path, tiny_model: Path, base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eigenlorax.runtime.vae.SDXL_REFERENCE", tiny_model)
    weights = {k: v + 1 for k, v in base.pipeline.vae.state_dict().items()}
    save_file(weights, tmp_path / "other-fp16-fix.safetensors")
    given = LoadOptions(precision=Precision.FP16, vae=str(tmp_path / "other-fp16-fix.safetensors"))
    vae = load_base(str(tiny_model), CPU, given).pipeline.vae
    assert vae.dtype is FP16
    assert all(torch.equal(vae.state_dict()[name], value.half()) for name, value in weights.items())


def test_a_vae_that_is_none_of_sdxl(copied: Path, tiny_model: Path, tmp_path: Path) -> None:
    def refusal(vae: Path | str) -> str:
        with pytest.raises(ModelLoadError) as caught:
            load_base(str(tiny_model), CPU, LoadOptions(vae=str(vae)))
        return str(caught.value)

    assert "nowhere.safetensors does not exist: give --vae" in refusal("./nowhere.safetensors")
    (tmp_path / "vae.pt").write_bytes(b"\x80\x02")
    assert "pickles are never opened" in refusal(tmp_path / "vae.pt")
    (tmp_path / "text.safetensors").write_text("hello")
    assert "cannot be loaded as SDXL's VAE" in refusal(tmp_path / "text.safetensors")
    _vae_config(copied / "vae", scaling_factor=0.18215)
    assert "as SD1.x and SD2.x do" in refusal(copied)
    _vae_config(copied / "vae", scaling_factor=0.13025, latent_channels=16)
    assert "16 latent channels" in refusal(copied)


def test_a_folder_of_pickles_and_one_of_half_files(copied: Path, base: BaseModel) -> None:
    for part in ("unet", "text_encoder", "text_encoder_2", "vae"):
        for file in (copied / part).glob("*.safetensors"):
            file.rename(file.with_name(file.name.replace(".safetensors", ".fp16.safetensors")))
    loaded = load_base(str(copied), CPU)
    assert all(torch.equal(loaded.parameters[path], value) for path, value in base.parameters.items())
    next((copied / "unet").glob("*.safetensors")).rename(copied / "unet" / "diffusion_pytorch_model.bin")
    with pytest.raises(ModelLoadError, match="convert it to") as caught:
        load_base(str(copied), CPU)
    assert "diffusion_pytorch_model.bin" in str(caught.value)


def test_half_files_are_taken_for_half_precision_alone(copied: Path) -> None:
    """The plain files hold ones, the fp16 files zeros: which were read shows in the weights."""
    for file in [*copied.glob("*/*.safetensors")]:
        weights = load_file(file)
        save_file(
            {k: torch.zeros_like(v) for k, v in weights.items()},
            file.with_suffix(".fp16.safetensors"),
            {"format": "pt"},
        )
        save_file({k: torch.ones_like(v) for k, v in weights.items()}, file, {"format": "pt"})
    for precision, filled in ((Precision.FP16, 0.0), (Precision.FP32, 1.0)):
        loaded = load_base(str(copied), CPU, LoadOptions(precision=precision))
        assert all(bool((value == filled).all()) for value in loaded.parameters.values())


def test_a_hub_model_falls_back_from_its_half_files(
    tiny_model: Path, base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def hub(
        name: str, model: str, dtype: torch.dtype, options: LoadOptions, source: dict[str, object]
    ) -> sources.Loaded:
        asked.append(dict(source))
        if "variant" in source:
            raise ValueError("You are trying to load model files of the `variant=fp16`, but no such files")
        return sources._from_folder(str(tiny_model), tiny_model, dtype, options)

    index = str(tiny_model / "model_index.json")
    monkeypatch.setattr(sources, "hf_hub_download", lambda *_, **__: index)
    monkeypatch.setattr(sources, "_pretrained", _first(hub, sources._pretrained))
    loaded = load_base("owner/name", CPU, LoadOptions(precision=Precision.FP16, offline=True))
    assert [one.get("variant") for one in asked] == ["fp16", None]
    assert all(one["local_files_only"] for one in asked)
    assert loaded.name == "owner/name"
    assert loaded.layout == base.layout


def _first(
    hub: Callable[..., sources.Loaded], real: Callable[..., sources.Loaded]
) -> Callable[..., sources.Loaded]:
    """`hub` for models of the hub, the real thing for folders."""
    return lambda name, model, *rest: (hub if model == "owner/name" else real)(name, model, *rest)


def test_a_hub_model_offline_says_that_it_was_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelLoadError, match=r"the hub was not asked \(--offline\)"):
        load_base("owner/that-is-nowhere", CPU, LoadOptions(offline=True))


def test_the_cpu_can_be_asked_for(tiny_model: Path) -> None:
    card = Hardware(torch.device("cuda"), FP16, "a card that is not there")
    loaded = load_base(str(tiny_model), card, LoadOptions(placement=Placement.CPU))
    assert loaded.device == torch.device("cpu")
    assert loaded.pipeline.unet.dtype is FP32
    plan = loaded.plan(Needs(1024, 1024, styles=2))
    assert plan.sentence == "model in fp32 with 2 styles at 1024x1024: on the CPU, no card is used."
    assert loaded.rungs(Needs(64, 64)) == []


def test_a_card_with_room_for_nothing_leaves_the_work_to_the_cpu(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eigenlorax.runtime.sdxl.budget_bytes", lambda _: 1000)
    loaded = load_base(str(tiny_model), Hardware(torch.device("cuda"), FP16, "full"))
    assert loaded.device == torch.device("cpu")
    assert loaded.pipeline.unet.dtype is FP32
    assert loaded.placed.plan.placement is Placement.CPU


def test_the_plan_of_a_small_card_takes_effect_when_the_model_is_loaded(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eigenlorax.runtime.sdxl.budget_bytes", lambda _: 4 * 2**30)
    loaded = load_base(str(tiny_model), CPU, LoadOptions(placement=Placement.MODEL_OFFLOAD))
    assert loaded.placed.plan.placement is Placement.MODEL_OFFLOAD
    assert loaded.placed.plan.fits
    assert loaded.rungs(Needs(64, 64))[-1].placement is Placement.SEQUENTIAL
    assert isinstance(loaded.pipeline.vae, AutoencoderKL)
    assert drain(denoise(loaded.pipeline, REQUEST)).size == (64, 64)
