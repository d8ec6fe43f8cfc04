"""The command under `accelerate launch`: two processes teach what one teaches, and only the first writes."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from eigenlorax.cli import app
from eigenlorax.studio import Studio

ROOT = Path(__file__).parents[2]
LAUNCH = [
    sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes=2", "--num_machines=1",
    "--mixed_precision=no", "--dynamo_backend=no", "--main_process_port=0", "-m", "eigenlorax",
]  # fmt: skip


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    chance = torch.Generator().manual_seed(1)
    for number in range(6):
        pixels = torch.randint(256, (80, 80 + 8 * number, 3), generator=chance, dtype=torch.uint8)
        Image.fromarray(pixels.numpy()).save(folder / f"picture {number}.png")
    return folder


def files_of(folder: Path) -> set[str]:
    """All but latents and what a name is a hash of."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "cache" not in path.parts
    }


def found_in(told: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(told[told.index("{") :])
    return found


def test_two_processes_teach_what_one_teaches(
    studio: Studio, pictures: Path, tiny_model: Path, tmp_path: Path
) -> None:
    alone, crew = studio.library.root, tmp_path / "crew"
    shutil.copytree(alone, crew)
    arguments = [
        "train", str(pictures), "--name", "mine", "--trigger", "zyx", "--steps", "4", "--rows", "3", "--rate", "0.2",
        "--columns", "4", "--sample-every", "2", "--samples", "zyx", "--model", str(tiny_model), "--json",
    ]  # fmt: skip
    single = CliRunner().invoke(
        app, [*arguments, "--data-dir", str(alone), "--samples-to", str(alone / "seen")]
    )
    assert single.exit_code == 0, single.output
    told = [*LAUNCH, *arguments, "--data-dir", str(crew), "--samples-to", str(crew / "seen")]
    double = subprocess.run(told, cwd=ROOT, capture_output=True, text=True, check=False)
    assert double.returncode == 0, double.stderr
    assert double.stdout.count('"losses"') == 1  # the second process is silent
    one, two = found_in(single.stdout), found_in(double.stdout)
    assert max(step for step, _ in one["losses"]) == 4
    for figure in ("losses", "held", "base", "start", "after"):
        torch.testing.assert_close(
            torch.tensor(two[figure]), torch.tensor(one[figure]), rtol=2e-5, atol=0.0, msg=figure
        )
    assert two["numbers"] == one["numbers"]
    assert len(files_of(crew)) == len(files_of(alone))
    assert {path.name for path in (crew / "seen").iterdir()} == {
        path.name for path in (alone / "seen").iterdir()
    }
    assert (alone / "seen" / "00004-1.png").is_file()
