"""Before the first compression the effect of each weight is measured once, kept, and taken up again."""

import json
import shutil
from pathlib import Path

import pytest

from eigenlorax.errors import InvalidFileError
from eigenlorax.library.effects import FILE_NAME, load_effects, save_effects
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.studio import Studio
from eigenlorax.subspace.fit import FitProgress
from eigenlorax.subspaces.weighing import Weighing
from eigenlorax.subspaces.wish import Wish
from tests import tiny


def test_measured_once_and_kept_for_this_base(tiny_model: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_model, model)
    (model / FILE_NAME).unlink()
    studio = Studio(str(model), tmp_path / "data")
    for seed in (1, 2):
        tiny.write_lora(tmp_path / f"x{seed}.safetensors", tiny.lora(studio.base.layout, "x", 2, seed))
    studio.import_paths([tmp_path / "x1.safetensors", tmp_path / "x2.safetensors"])
    events = list(studio.subspaces.compress(wish=Wish(retain=0.6)))
    weighing = [event for event in events if isinstance(event, Weighing)]
    assert weighing
    assert isinstance(events[len(weighing)], FitProgress)
    assert [event.done for event in weighing] == sorted(event.done for event in weighing)
    (kept,) = (tmp_path / "data" / "cache" / "effects").iterdir()
    assert load_effects(kept).keys() >= {
        path for path in studio.base.layout if path.component is Component.UNET
    }

    again = Studio(str(model), tmp_path / "data")
    assert not any(isinstance(event, Weighing) for event in again.subspaces.compress())


def test_bytes_go_where_an_error_matters(tiny_model: Path, tmp_path: Path) -> None:
    kept = {}
    for side in ("down_blocks", "up_blocks"):
        model = tmp_path / side / "model"
        shutil.copytree(tiny_model, model)
        known = load_effects(model / FILE_NAME)
        save_effects({path: 1e4 if side in path.name else 1.0 for path in known}, model / FILE_NAME)
        studio = Studio(str(model), tmp_path / side / "data")
        tiny.write_lora(tmp_path / "a.safetensors", tiny.lora(studio.base.layout, "a", 4, 1))
        studio.import_paths([tmp_path / "a.safetensors"])
        for _ in studio.subspaces.compress(wish=Wish(retain=0.6)):
            pass
        residuals = studio.styles["a"].residuals
        kept[side] = sum(layer.rank for path, layer in residuals.items() if "down_blocks" in path.name)
    assert kept["down_blocks"] > 2 * kept["up_blocks"]


@pytest.mark.parametrize("content", ["[]", "{", '{"nowhere.x": 1.0}', '{"unet.a": "big"}', '{"unet.a": -1}'])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, content: str) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidFileError, match="delete"):
        load_effects(path)


def test_figures_come_back_as_they_were(tmp_path: Path) -> None:
    effects = {ModulePath.parse("unet.a.b"): 1.25, ModulePath.parse("text_encoder.c:bias"): 3e-7}
    save_effects(effects, tmp_path / "e.json")
    assert load_effects(tmp_path / "e.json") == effects
    assert json.loads((tmp_path / "e.json").read_text(encoding="utf-8"))
