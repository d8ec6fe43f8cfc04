"""Files of earlier formats open for ever."""

import json
from pathlib import Path

import pytest
import torch

from eigenlorax.library.bundle import load_bundle
from eigenlorax.library.files import load_style, load_subspace
from eigenlorax.subspace.style import blend_layers

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.parametrize("version", ["2", "3"])
def test_formats_with_residuals_and_bundles(version: str) -> None:
    folder = GOLDEN / f"format-{version}"
    expected = json.loads((folder / "expected.json").read_text())
    subspace = load_subspace(folder / "subspace.safetensors")
    assert subspace.hash == expected["hash"]
    assert subspace.base is not None and subspace.base.name == "Tiny"
    assert subspace.excluded == expected.get("excluded", {})
    styles = {name: load_style(folder / f"{name}.safetensors", subspace) for name in ("neon", "chalk")}
    assert styles["neon"].notes == expected.get("notes", {})
    bundle = load_bundle(folder / "bundle.safetensors")
    assert bundle.subspace.hash == subspace.hash
    for held in (styles, dict(bundle.styles)):
        for name, updates in expected["update"].items():
            layers = blend_layers(subspace, held, {name: 1.0})
            assert {str(path) for path in layers} == updates.keys()
            for path, layer in layers.items():
                torch.testing.assert_close(
                    layer.up @ layer.down, torch.tensor(updates[str(path)]), rtol=1e-5, atol=2e-5
                )


def test_format_1() -> None:
    folder = GOLDEN / "format-1"
    subspace = load_subspace(folder / "subspace.safetensors")
    styles = {name: load_style(folder / f"{name}.safetensors", subspace) for name in ("neon", "chalk")}
    assert styles["neon"].trigger_words == ("neon style",)
    expected = json.loads((folder / "neon.json").read_text())["update"]
    layers = blend_layers(subspace, styles, {"neon": 1.0})
    assert {str(path) for path in layers} == expected.keys()
    for path, layer in layers.items():
        torch.testing.assert_close(
            layer.up @ layer.down, torch.tensor(expected[str(path)]), rtol=2e-3, atol=2e-3
        )
