"""Files of earlier formats open for ever."""

import json
from pathlib import Path

import torch

from eigenlorax.library.files import load_style, load_subspace
from eigenlorax.subspace.style import blend_layers

GOLDEN = Path(__file__).parents[1] / "golden"


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
