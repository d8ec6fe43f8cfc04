"""Fixtures that many rooms share."""

import tests.shapes  # isort: skip  # noqa: F401  # before any module that it is to check

import shutil
from pathlib import Path

import pytest
import torch

from eigenlorax.events import drain
from eigenlorax.home import DEMO_MODEL
from eigenlorax.library.effects import FILE_NAME, save_effects
from eigenlorax.runtime.hardware import Hardware
from eigenlorax.runtime.sdxl import BaseModel, load_base
from eigenlorax.studio import Studio
from tests import tiny

# Tiny matrices: a second thread costs more than it brings.
torch.set_num_threads(1)

CPU = Hardware(torch.device("cpu"), torch.float32, "CPU")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Journeys first: they take longest, and whoever begins one last keeps all others waiting."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A diffusers folder with a tiny random SDXL-class model."""
    folder = tmp_path_factory.mktemp("tiny") / "model"
    tiny.pipeline(folder.parent / "scratch").save_pretrained(folder)
    # As the demo model does, it brings what is otherwise measured before the first compression.
    layout = load_base(str(folder), CPU).layout
    save_effects(dict.fromkeys(layout, 1.0), folder / FILE_NAME)
    return folder


@pytest.fixture(scope="session")
def base(tiny_model: Path) -> BaseModel:
    """The tiny model, loaded once; a test that changes its weights must put them back."""
    return load_base(str(tiny_model), CPU)


@pytest.fixture(scope="session")
def demo_base() -> BaseModel:
    """The embedded demo model, loaded once; a test that changes its weights must put them back."""
    return load_base(str(DEMO_MODEL), CPU)


@pytest.fixture(scope="session")
def neon_and_chalk(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, base: BaseModel) -> Path:
    """A data folder of the tiny model with two styles; to be copied."""
    folder = tmp_path_factory.mktemp("two")
    loras = [tiny.lora(base.layout, name, seed=seed) for seed, name in enumerate(("neon", "chalk"))]
    studio = Studio(str(tiny_model), folder / "data", CPU)
    studio.import_paths([tiny.write_lora(folder / f"{lora.name}.safetensors", lora) for lora in loras])
    drain(studio.subspaces.compress())
    return folder / "data"


@pytest.fixture(scope="module")
def styled_studio(neon_and_chalk: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """A studio of its own for each file of tests, with two styles."""
    folder = tmp_path_factory.mktemp("styled") / "data"
    shutil.copytree(neon_and_chalk, folder)
    return Studio(str(tiny_model), folder, CPU)
