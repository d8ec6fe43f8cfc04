"""A base is recognised as the same, a relative, or a stranger."""

from pathlib import Path

import pytest
import torch

from eigenlorax.events import drain
from eigenlorax.library.files import load_subspace
from eigenlorax.runtime.engine import Engine
from eigenlorax.runtime.sdxl import BaseModel, load_base
from eigenlorax.studio import Studio
from eigenlorax.subspace.fingerprint import Kinship, compare
from tests import tiny
from tests.conftest import CPU


def moved(tmp_path: Path, tiny_model: Path, how: float) -> Path:
    """The tiny model with its UNet's weights moved by this share of their size, at random; 1 is another training."""
    base = load_base(str(tiny_model), CPU)
    torch.manual_seed(3)
    with torch.no_grad():
        for weight in base.pipeline.unet.parameters():
            noise = (
                torch.randn_like(weight) * weight.std() if weight.numel() > 1 else torch.zeros_like(weight)
            )
            weight.copy_((1 - how) * weight + 3 * how * noise)
    base.pipeline.save_pretrained(tmp_path / "moved")
    return tmp_path / "moved"


@pytest.mark.parametrize(("how", "kinship"), [(0.01, Kinship.RELATED), (1.0, Kinship.FOREIGN)])
def test_relatives_and_strangers(
    tmp_path: Path, tiny_model: Path, base: BaseModel, how: float, kinship: Kinship
) -> None:
    paths = [path for path in base.layout if "attn" in path.name and path.parameter == "weight"]
    one = Engine(base).facts.fingerprint(paths)
    assert compare(one, Engine(base).facts.fingerprint(paths)).kinship is Kinship.SAME
    other = Engine(load_base(str(moved(tmp_path, tiny_model, how)), CPU)).facts.fingerprint(paths)
    found = compare(one, other)
    assert found.kinship is kinship
    assert found.difference > 0.0


def test_the_studio_says_what_to_expect(tmp_path: Path, tiny_model: Path, base: BaseModel) -> None:
    studio = Studio(str(tiny_model), tmp_path / "data", CPU)
    studio.import_paths([tiny.write_lora(tmp_path / "x.safetensors", tiny.lora(base.layout, "x"))])
    drain(studio.subspaces.compress())
    assert Studio(str(tiny_model), tmp_path / "data", CPU).notice == ""
    (file,) = (tmp_path / "data").rglob("subspace.safetensors")
    assert load_subspace(file).base is not None
    notice = Studio(str(moved(tmp_path, tiny_model, 0.01)), tmp_path / "data", CPU).notice
    assert "related to this base" in notice
