"""A compressed data folder, made once for each file of tests and copied for each test."""

import shutil
from pathlib import Path

import pytest

from eigenlorax.events import drain
from eigenlorax.module_path import Component
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from eigenlorax.subspaces.wish import Wish
from tests import tiny
from tests.conftest import CPU
from tests.subspaces.cases import bring, few, relatives


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, base: BaseModel) -> Path:
    """A data folder with a, b, c and own compressed, and later as a LoRA only."""
    folder = tmp_path_factory.mktemp("kept")
    studio = Studio(str(tiny_model), folder / "data", CPU)
    bring(studio, folder, *relatives(base, "abc", 1), tiny.lora(few(base.layout), "own", 8, 7, strength=0.3))
    drain(studio.subspaces.compress(wish=Wish(retain=0.9)))
    bring(studio, folder, tiny.lora(few(base.layout), "later", 4, 20, components=tuple(Component)))
    return folder / "data"


@pytest.fixture
def studio(kept: Path, tmp_path: Path, tiny_model: Path) -> Studio:
    shutil.copytree(kept, tmp_path / "data")
    return Studio(str(tiny_model), tmp_path / "data", CPU)
