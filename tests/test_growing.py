"""A subspace grows and shrinks: what was there draws bit for bit as before."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eigenlorax.cli import app
from eigenlorax.errors import InvalidRequestError, UnknownStyleError
from eigenlorax.lora import LoRA
from eigenlorax.module_path import Component
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.showcase import drain
from eigenlorax.studio import Studio
from eigenlorax.subspace.fit import Goal
from eigenlorax.subspace.grow import place, room_for
from eigenlorax.subspace.style import blend_layers
from tests import tiny
from tests.conftest import CPU

REQUEST = GenerationRequest("a cat", seed=3, steps=2, width=64, height=64, styles={"a": 1.0})


@pytest.fixture
def studio(tmp_path: Path, tiny_model: Path, base: BaseModel) -> Studio:
    studio = Studio(str(tiny_model), tmp_path / "data", CPU)
    for lora in [*tiny.relatives(base.layout, ("a", "b", "c"), 4, 1), tiny.lora(base.layout, "own", 8, 7)]:
        studio.import_paths([tiny.write_lora(tmp_path / f"{lora.name}.safetensors", lora)])
    drain(studio.subspaces.compress(retain=0.9))
    later = tiny.lora(base.layout, "later", 4, 20, components=tuple(Component))
    studio.import_paths([tiny.write_lora(tmp_path / "later.safetensors", later)])
    return studio


def test_a_lora_added_later_leaves_the_others_bit_for_bit(
    studio: Studio, tmp_path: Path, tiny_model: Path
) -> None:
    before = drain(studio.generate(REQUEST)).image.tobytes()
    files = {path.name: path for path in (tmp_path / "data").rglob("styles/*.safetensors")}
    style = studio.subspaces.add("later", retain=0.95)
    assert style.fidelity.energy_kept > 0.9
    assert studio.styles.keys() == {"a", "b", "c", "own", "later"}
    assert drain(studio.generate(REQUEST)).image.tobytes() == before
    styled = drain(studio.generate(replace(REQUEST, styles={"later": 1.0}))).image.tobytes()
    again = Studio(str(tiny_model), tmp_path / "data", CPU)
    assert again.notice == ""
    assert drain(again.generate(REQUEST)).image.tobytes() == before
    assert drain(again.generate(replace(REQUEST, styles={"later": 1.0}))).image.tobytes() == styled
    assert all(path.exists() for path in files.values())  # the earlier version stays on disk


def test_one_taken_out_leaves_the_others(studio: Studio) -> None:
    before = drain(studio.generate(REQUEST)).image.tobytes()
    studio.subspaces.remove("own")
    assert studio.styles.keys() == {"a", "b", "c"}
    assert drain(studio.generate(REQUEST)).image.tobytes() == before
    with pytest.raises(UnknownStyleError, match="own"):
        studio.subspaces.remove("own")
    with pytest.raises(InvalidRequestError):
        studio.subspaces.add("nobody")


@pytest.mark.parametrize("retain", [0.5, 0.9, 0.99])
def test_what_is_kept_is_what_was_asked_and_what_is_told(
    studio: Studio, base: BaseModel, retain: float
) -> None:
    subspace = studio.subspaces.current.subspace
    assert subspace is not None
    lora: LoRA = tiny.lora(base.layout, "new", 6, 30, components=(Component.UNET, Component.TEXT_ENCODER))
    grown = room_for(subspace, lora, base.layout)
    assert list(grown.bases)[: len(subspace.bases)] == list(subspace.bases)
    style = place(lora, grown, Goal(retain=retain), dict.fromkeys(lora.layers, 1.0), 1, ())
    layers = blend_layers(grown, {"new": style}, {"new": 1.0})
    wrong = size = 0.0
    for path, layer in lora.layers.items():
        dense = layer.up @ layer.down
        wrong += float((dense - layers[path].up @ layers[path].down).double().square().sum())
        size += float(dense.double().square().sum())
    assert 1.0 - wrong / size >= retain - 1e-4
    assert style.fidelity.energy_kept == pytest.approx(1.0 - wrong / size, abs=1e-4)


def test_the_command_line_adds_and_removes(studio: Studio, tmp_path: Path, tiny_model: Path) -> None:
    where = ["--data-dir", str(tmp_path / "data"), "--model", str(tiny_model)]
    result = CliRunner().invoke(app, ["add", "later", *where])
    assert result.exit_code == 0, result.output
    assert "later" in result.output
    result = CliRunner().invoke(app, ["remove", "later", *where])
    assert "later is out; 4 styles" in result.output
    result = CliRunner().invoke(app, ["remove", "later", *where])
    assert result.exit_code == 1
    assert "no style named later" in result.output
