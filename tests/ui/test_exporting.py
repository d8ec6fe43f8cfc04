"""The Export tab: what a form becomes, what is written, and that a refusal is one line."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from safetensors import safe_open

from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import drain
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Imported, Studio
from eigenlorax.subspaces.wish import Wish
from tests import tiny
from tests.conftest import CPU
from ui.exporting import card_request, export_folder, free_path, lora_request, write
from ui.rack import rack_props


@pytest.fixture
def studio(tmp_path: Path, tiny_model: Path, base: BaseModel) -> Studio:
    studio = Studio(str(tiny_model), tmp_path / "data", CPU)
    for seed, name in enumerate(("neon", "chalk")):
        file = tiny.write_lora(tmp_path / f"{name}.safetensors", tiny.lora(base.layout, name, 4, seed))
        file.with_suffix(".json").write_text(json.dumps({"activation text": f"{name} style"}))
        studio.import_paths([file])
    drain(studio.subspaces.compress(wish=Wish(retain=0.999)))
    return studio


def values(**changed: Any) -> dict[str, Any]:
    blend = {"neon": {"strength": 0.8, "on": True}, "chalk": {"strength": 0.5, "on": True}}
    form = {
        "what": "blend", "original": None, "name": "", "dialect": "kohya-sgm", "rank": 0, "triggers": "",
        "description": "", "licence": "", "precision": "fp16", "styles": json.dumps(blend), "picture": None,
        "style": None, "card_for": "whole", "card_prompts": "a cat\n\n a dog ",
    }  # fmt: skip
    return form | changed


def test_a_blend_becomes_a_file_with_its_words_and_picture(studio: Studio, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "last.png")
    told, path = write(studio, values(licence="MIT", picture=str(tmp_path / "last.png")))
    assert path.parent == export_folder(studio)
    assert "read back" in told
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    assert metadata["modelspec.trigger_phrase"] == "neon style, chalk style"
    assert metadata["modelspec.license"] == "MIT"
    assert metadata["modelspec.thumbnail"].startswith("data:image/")


@pytest.mark.parametrize("what", ["bundle", "checkpoint", "lora"])
def test_every_kind_is_written(studio: Studio, what: str) -> None:
    told, path = write(studio, values(what=what, original="neon", dialect="diffusers"))
    assert path.is_file()
    assert path.name in told


def test_a_peft_folder_is_offered_as_a_zip(studio: Studio) -> None:
    _, path = write(studio, values(dialect="peft", name="my style"))
    assert path.name == "my style.zip"
    assert {"unet/adapter_config.json", "unet/adapter_model.safetensors"} <= {
        name.partition("/")[2] for name in zipfile.ZipFile(path).namelist()
    }


def test_names_cannot_leave_the_folder_and_never_overwrite(studio: Studio) -> None:
    first = free_path(studio, "../../evil<>", ".safetensors")
    assert first.parent == export_folder(studio)
    first.parent.mkdir(parents=True, exist_ok=True)
    first.write_text("there")
    assert free_path(studio, "../../evil<>", ".safetensors") == first.with_stem(first.stem + "-2")


def test_nothing_switched_on_is_told(studio: Studio) -> None:
    with pytest.raises(InvalidRequestError):
        studio.exports.predict(lora_request(studio, values(styles="{}")))


def test_a_style_goes_out_as_a_card_and_comes_back(studio: Studio, tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(InvalidRequestError, match="choose a style"):
        write(studio, values(what="card"))
    assert card_request(studio, values(what="card", style="neon")).prompts == ("a cat", "a dog")
    told, path = write(studio, values(what="card", style="neon", card_prompts="a cat"))
    assert path == export_folder(studio) / "neon.png"
    assert f'download="{path.name}"' in told and "carries neon" in told
    there = Studio(str(tiny_model), tmp_path / "elsewhere", CPU)
    (taken,) = there.import_paths([path])
    assert isinstance(taken, Imported)
    assert list(there.styles) == ["neon"]
    (shown,) = json.loads(rack_props(there)["styles"])  # though it has no LoRA
    assert (shown["name"], shown["words"]) == ("neon", "neon style")
