"""The benchmark of a full-size training step runs, on the tiny model, and leaves the model as it was."""

import json
from pathlib import Path

import pytest
import torch

from eigenlorax.runtime.hardware import processor
from tests.benchmarks import full_size_steps, training_full_size


def test_every_contender_and_plan_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(full_size_steps, "WARM_UPS", 0)
    monkeypatch.setattr(full_size_steps, "STEPS", 1)
    path = tmp_path / "found.json"
    training_full_size.main(
        ["--tiny", "--size", "64", "--dtype", "float32", "--columns", "2", "3", "--json", str(path)]
    )
    found = json.loads(path.read_text())
    *cores, lora = found["rows"]
    assert [row["numbers"] for row in cores] == [columns**2 * found["modules"] for columns in (2, 3)]
    assert lora["optimiser_bytes"] == 8 * lora["numbers"]
    assert cores[0]["optimiser_bytes"] == 8 * cores[0]["numbers"]
    assert all(row["step_ms"] > 0 for row in (*found["rows"], *found["capped"]))
    assert ["8 bits" in row["plan"] for row in found["capped"]] == [False, False, True]
    assert "PEFT LoRA r=32" in capsys.readouterr().out


def test_peers_leave_the_model_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_size_steps, "WARM_UPS", 0)
    monkeypatch.setattr(full_size_steps, "STEPS", 1)
    base = training_full_size.made_base(processor(), torch.bfloat16, small=True)
    before = {name: id(module) for name, module in base.pipeline.unet.named_modules()}
    weights = {name: value.clone() for name, value in base.pipeline.unet.state_dict().items()}
    device = base.hardware.device
    for _ in range(2):
        row = full_size_steps.lora(base, device, 64, None, "LoRA")
        assert row.step_ms is not None
        assert {name: id(module) for name, module in base.pipeline.unet.named_modules()} == before
    full_size_steps.ours(base, device, 64, 2, None, "ours")
    after = base.pipeline.unet.state_dict()
    assert all(torch.equal(weights[name], after[name]) for name in weights)
