"""Calibration as a user meets it: on the command line and the page's use case, stopped and taken up again."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eigenlorax.cli import app
from eigenlorax.errors import InvalidRequestError, UnknownStyleError
from eigenlorax.events import drain
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from eigenlorax.subspaces.wish import Wish
from eigenlorax.training.calibrate import CalibrationSettings
from tests import tiny
from tests.conftest import CPU
from ui.fidelity_words import fidelity_facts

QUICK = CalibrationSettings(steps=4, rows=2, pictures=2, held_pictures=1, check=2, rate=0.05)


@pytest.fixture
def studio(tmp_path: Path, tiny_model: Path, base: BaseModel) -> Studio:
    studio = Studio(str(tiny_model), tmp_path / "data", CPU)
    for seed in (1, 2, 3):
        path = tiny.write_lora(tmp_path / f"x{seed}.safetensors", tiny.lora(base.layout, "x", 3, seed))
        studio.import_paths([path])
    drain(studio.subspaces.compress(wish=Wish(retain=0.5)))
    return studio


def test_styles_come_nearer_and_say_so_and_the_others_stay(studio: Studio, tiny_model: Path) -> None:
    weights = {path: parameter.clone() for path, parameter in studio.base.parameters.items()}
    before = dict(studio.styles)
    result = drain(studio.growth.calibrate(["x1", "x2"], QUICK))
    assert result.distances.keys() == {"x1", "x2"}
    assert all(after <= before for before, after in result.distances.values())
    assert any(after < before for before, after in result.distances.values())
    now = Studio(str(tiny_model), studio.library.root, CPU).styles
    assert now["x1"].notes["calibration"].startswith("4 steps")
    assert now["x1"].fidelity.distance_after == result.distances["x1"][1]
    assert any("of the way" in words for _, words in fidelity_facts(now["x1"].fidelity, None))
    assert now["x3"].fidelity == before["x3"].fidelity
    for path, layer in before["x3"].residuals.items():
        assert (now["x3"].residuals[path].up == layer.up).all()
    assert all((weights[path] == parameter).all() for path, parameter in studio.base.parameters.items())
    assert not any(module._forward_hooks for module in studio.base.modules.values())
    assert not any((studio.library.root / "cache" / "calibration").iterdir())


def test_a_stopped_calibration_goes_on_where_it_was(studio: Studio, tmp_path: Path) -> None:
    stopped = studio.growth.calibrate(None, QUICK)
    for event in stopped:
        if event.reached is not None:
            break
    stopped.close()
    assert "calibration" not in studio.styles["x1"].notes
    (kept,) = (studio.library.root / "cache" / "calibration").glob("*/*.safetensors")
    events = list(studio.growth.calibrate(None, QUICK))
    assert sum(event.loss is not None for event in events) == 2
    assert studio.styles["x1"].notes["calibration"]
    assert not kept.exists()


def test_what_cannot_be_meant_is_refused(studio: Studio) -> None:
    with pytest.raises(UnknownStyleError, match="no style named y"):
        drain(studio.growth.calibrate(["y"], QUICK))
    with pytest.raises(InvalidRequestError, match="steps is 0"):
        drain(studio.growth.calibrate(None, CalibrationSettings(steps=0)))
    for path in (studio.library.root / "loras").glob("*.safetensors"):
        path.unlink()
    with pytest.raises(InvalidRequestError, match="import the LoRAs first"):
        drain(studio.growth.calibrate(None, QUICK))


def test_on_the_command_line(studio: Studio, tiny_model: Path) -> None:
    where = ["--data-dir", str(studio.library.root), "--model", str(tiny_model)]
    short = ["--name", "x3", "--steps", "1", "--rows", "1"]
    result = CliRunner().invoke(app, ["calibrate", *where, *short, "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout[result.stdout.index("{") :])
    assert told["distances"]["x3"]["after"] <= told["distances"]["x3"]["before"]
    assert told["skipped"] == {}
