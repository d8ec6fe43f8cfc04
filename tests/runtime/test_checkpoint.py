"""A single file in Stability's layout gives the same model as the folder it was written from."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file

from eigenlorax.errors import ModelLoadError
from eigenlorax.runtime import sources
from eigenlorax.runtime.checkpoint import SDXL_REFERENCE, clip_tokenizer, load_checkpoint
from eigenlorax.runtime.options import LoadOptions, Precision, Prediction
from eigenlorax.runtime.sdxl import BaseModel, load_base
from eigenlorax.runtime.single_file import PARTS, write_single_file
from eigenlorax.runtime.vae import checkpoint_vae
from eigenlorax.runtime.variant import Suggestion, Variant
from tests.conftest import CPU


def _write(base: BaseModel, path: Path) -> Path:
    write_single_file(base.pipeline, path, dict.fromkeys(PARTS, torch.float32))
    return path


def test_every_weight_comes_through(tmp_path: Path, tiny_model: Path, base: BaseModel) -> None:
    path = _write(base, tmp_path / "tiny.safetensors")
    (tiny_model / "merges.txt").write_text((SDXL_REFERENCE / "merges.txt").read_text())
    pipeline = load_checkpoint(path, torch.float32, reference=tiny_model)
    for name in PARTS:
        ours, theirs = getattr(pipeline, name).state_dict(), getattr(base.pipeline, name).state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs), name


@pytest.fixture
def tiny_reference(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Single files are read by the tiny model's configurations, as full-size ones are by SDXL's."""
    (tiny_model / "merges.txt").write_text((SDXL_REFERENCE / "merges.txt").read_text())
    for name, loader in (("load_checkpoint", load_checkpoint), ("checkpoint_vae", checkpoint_vae)):
        monkeypatch.setattr(sources, name, partial(loader, reference=tiny_model))
    return tiny_model


def test_marks_of_v_prediction_reach_the_scheduler(
    tmp_path: Path, tiny_reference: Path, base: BaseModel
) -> None:
    path = _write(base, tmp_path / "plain.safetensors")
    plain = load_base(str(path), CPU)
    assert plain.variant == Variant()
    assert plain.pipeline.scheduler.config.prediction_type == "epsilon"
    save_file({**load_file(path), "v_pred": torch.zeros(0), "ztsnr": torch.zeros(0)}, path)
    loaded = load_base(str(path), CPU)
    assert loaded.variant.prediction is Prediction.V_ZERO_SNR
    assert loaded.pipeline.scheduler.config.prediction_type == "v_prediction"
    assert loaded.pipeline.scheduler.config.rescale_betas_zero_snr
    assert loaded.pipeline.scheduler.config.timestep_spacing == "trailing"
    assert all(torch.equal(loaded.parameters[p], value) for p, value in base.parameters.items())
    told = load_base(str(path), CPU, LoadOptions(prediction=Prediction.EPSILON))
    assert told.pipeline.scheduler.config.prediction_type == "epsilon"


def test_a_distilled_file_suggests_and_the_vae_stays_in_fp32(
    tmp_path: Path, tiny_reference: Path, base: BaseModel
) -> None:
    path = _write(base, tmp_path / "tiny_lightning_8step.safetensors")
    loaded = load_base(str(path), CPU, LoadOptions(precision=Precision.FP16))
    assert loaded.variant.suggestion == Suggestion(8, 1.0, "Euler")
    assert loaded.pipeline.unet.dtype is torch.float16
    ours, theirs = loaded.pipeline.vae.state_dict(), base.pipeline.vae.state_dict()
    assert all(torch.equal(ours[name], value) for name, value in theirs.items())


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path: Path, base: BaseModel) -> None:
    path = _write(base, tmp_path / "tiny.safetensors")
    with pytest.raises(ModelLoadError, match="cannot be loaded as SDXL"):
        load_base(str(path), CPU)


def test_the_tokenizer_is_clips() -> None:
    """Token numbers of a known sentence, as OpenAI's own tokenizer gives them."""
    tokenizer = clip_tokenizer(SDXL_REFERENCE / "merges.txt", pad_token="!")
    assert tokenizer("a photo of a cat").input_ids == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert len(tokenizer) == 49408
    assert tokenizer.pad_token_id == 0


def test_the_reference_is_the_full_sdxl_unet() -> None:
    with torch.device("meta"):
        config = json.loads((SDXL_REFERENCE / "unet" / "config.json").read_text())
        unet = UNet2DConditionModel.from_config(config)
    assert sum(parameter.numel() for parameter in unet.parameters()) == 2_567_463_684
