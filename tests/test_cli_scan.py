"""`eigenlorax scan`: a folder of another program, told in words and as JSON."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from eigenlorax.cli import app
from eigenlorax.runtime.sdxl import BaseModel
from tests import tiny


@pytest.fixture
def folder(tmp_path: Path, base: BaseModel) -> Path:
    tiny.write_lora(tmp_path / "comfy/models/loras/neon.safetensors", tiny.lora(base.layout, "neon", 2))
    (tmp_path / "comfy/models/loras/bad.safetensors").write_bytes(b"no")
    (tmp_path / "comfy/custom_nodes").mkdir()
    return tmp_path / "comfy"


def _run(tiny_model: Path, tmp_path: Path, *arguments: str) -> Result:
    given = ["scan", *arguments, "--model", str(tiny_model), "--data-dir", str(tmp_path / "data")]
    return CliRunner().invoke(app, given)


def test_a_folder_is_scanned_listed_and_forgotten(tmp_path: Path, tiny_model: Path, folder: Path) -> None:
    told = _run(tiny_model, tmp_path, str(folder))
    assert told.exit_code == 0, told.output
    assert "ComfyUI at" in told.output
    assert "1 broken, 1 usable" in told.output
    data = json.loads(_run(tiny_model, tmp_path, str(folder), "--json").stdout)
    assert (data["kind"], [one["name"] for one in data["loras"]]) == ("ComfyUI", ["bad", "neon"])
    assert "no longer used" in _run(tiny_model, tmp_path, str(folder), "--forget").output
    again = _run(tiny_model, tmp_path, str(folder), "--forget")
    assert again.exit_code == 1
    assert "is not one of the folders" in again.output
    assert _run(tiny_model, tmp_path, str(tmp_path / "nowhere")).exit_code == 1
