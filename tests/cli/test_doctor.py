"""`eigenlorax doctor`: what it finds, and that each fault comes with a way out."""

import json
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection
from typer.testing import CliRunner

from eigenlorax.cli import app
from eigenlorax.doctor import machine, packages
from eigenlorax.doctor.finding import Finding, Health
from eigenlorax.doctor.models import fitting, models
from eigenlorax.home import DEMO_MODEL
from eigenlorax.runtime.checkpoint import SDXL_REFERENCE
from eigenlorax.runtime.hardware import Hardware
from eigenlorax.runtime.options import Placement
from eigenlorax.runtime.plan import GIB
from eigenlorax.runtime.sizes import sdxl_size, size_of

CARD = Hardware(torch.device("cuda"), torch.float16, "card")


def test_it_tells_of_everything_and_is_well_here(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["doctor", "--json", "--data-dir", str(tmp_path)])
    content = json.loads(told.stdout)
    named = {one["what"] for one in content["findings"]}
    assert {"System", "Python", "Memory", "Disk", "Data folder", "Demo model", "What fits"} <= named
    assert all(one["remedy"] for one in content["findings"] if one["health"] != "fine")
    assert told.exit_code == (0 if content["healthy"] else 1)


def test_a_wrong_path_is_a_fault_with_a_way_out(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["doctor", "--data-dir", str(tmp_path), "--model", "/nowhere"])
    assert told.exit_code == 1
    assert "FAULT  Chosen model  /nowhere does not exist" in told.stdout
    assert "next: look at the path's spelling" in told.stdout


def test_packages_are_held_against_their_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name == "gradio":
            raise PackageNotFoundError(name)
        return {"torch": f"{packages.pinned()['torch']}+cu130", "pillow": "1.0"}.get(
            name, packages.pinned()[name]
        )

    monkeypatch.setattr(packages, "version", version)
    found = {one.what: one.health for one in packages.python_and_packages()}
    assert found == {"Python": Health.FINE, "gradio": Health.FAULT, "pillow": Health.NOTE}
    assert packages.missing() == ["gradio"]


def test_a_card_that_torch_cannot_use_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "cards", list)
    monkeypatch.setattr(machine, "shutil", SimpleNamespace(which=lambda tool: tool == "rocm-smi"))
    (found,) = machine.devices()
    assert found.health is Health.FAULT and "AMD" in found.words and "ROCm" in found.remedy
    monkeypatch.setattr(machine, "shutil", SimpleNamespace(which=lambda _: False))
    (found,) = machine.devices()
    assert found.health is Health.NOTE


def test_little_memory_and_disk_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        machine.psutil, "virtual_memory", lambda: SimpleNamespace(available=GIB, total=4 * GIB)
    )
    assert machine.memory(7 * GIB).remedy.startswith("full-size SDXL takes about 9 GB")
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: SimpleNamespace(free=GIB // 2))
    assert machine.disk(tmp_path / "new" / "folder").health is Health.FAULT
    assert "made when it is needed" in machine.writable(tmp_path / "new").words


def test_models_of_the_hub_are_found_by_what_they_are(tmp_path: Path) -> None:
    for name, kind in (
        ("a--sdxl", "StableDiffusionXLPipeline"),
        ("b--flux", "FluxPipeline"),
        ("c--bad", None),
    ):
        folder = tmp_path / f"models--{name}" / "snapshots" / "1"
        (folder / "unet").mkdir(parents=True)
        (folder / "model_index.json").write_text(json.dumps({"_class_name": kind}) if kind else "[")
    found = {one.what: one for one in models(DEMO_MODEL, "a/sdxl", tmp_path)}
    assert found["SDXL models"] == Finding("SDXL models", "a/sdxl")
    assert found["Chosen model"].health is Health.FINE
    missing = {one.what: one for one in models(tmp_path / "none", "x/y", tmp_path / "empty")}
    assert missing["Demo model"].health is Health.FAULT and missing["SDXL models"].remedy
    assert "fetched from the hub" in missing["Chosen model"].words


@pytest.mark.parametrize(
    ("gigabytes", "words", "health"),
    [
        (24, "all parts stay on the card", Health.FINE),
        (8, "parts are moved in and out", Health.FINE),
        (4, "one by one, which is slow", Health.NOTE),
        (1, "may not fit", Health.NOTE),
    ],
)
def test_what_would_fit(monkeypatch: pytest.MonkeyPatch, gigabytes: int, words: str, health: Health) -> None:
    monkeypatch.setattr("eigenlorax.doctor.models.budget_bytes", lambda _: gigabytes * GIB)
    found = fitting(CARD, sdxl_size(torch.float16), Placement.AUTO)
    assert words in found.words and found.health is health
    assert bool(found.remedy) == (health is not Health.FINE)


def test_the_size_of_sdxl_is_that_of_its_configurations() -> None:
    """Built without memory from the same configurations that checkpoints are loaded with."""

    def config(part: str) -> dict[str, object]:
        return json.loads((SDXL_REFERENCE / part / "config.json").read_text(encoding="utf-8"))

    with torch.device("meta"):
        pipeline = SimpleNamespace(
            unet=UNet2DConditionModel.from_config(config("unet")).to(torch.float16),
            vae=AutoencoderKL.from_config(config("vae")),
            text_encoder=CLIPTextModel(CLIPTextConfig(**config("text_encoder"))).to(torch.float16),
            text_encoder_2=CLIPTextModelWithProjection(CLIPTextConfig(**config("text_encoder_2"))).to(
                torch.float16
            ),
            vae_scale_factor=8,
        )
    assert size_of(pipeline, "SDXL") == sdxl_size(torch.float16)  # type: ignore[arg-type]
