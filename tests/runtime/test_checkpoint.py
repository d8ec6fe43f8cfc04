"""A single file in Stability's layout gives the same model as the folder it was written from."""

import json
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel

from eigenlorax.errors import ModelLoadError
from eigenlorax.runtime.checkpoint import SDXL_REFERENCE, clip_tokenizer, load_checkpoint
from eigenlorax.runtime.sdxl import BaseModel, load_base
from eigenlorax.runtime.single_file import PARTS, write_single_file
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
