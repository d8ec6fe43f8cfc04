"""Models are loaded from where the user points, or the reason is said in one line."""

from pathlib import Path

import pytest

from eigenlorax.errors import ModelLoadError
from eigenlorax.module_path import Component
from eigenlorax.runtime.sdxl import BaseModel, load_base
from tests.conftest import CPU


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
