"""The command line does the main job and says in one line what is wrong."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from eigenlorax.cli import app
from eigenlorax.cli.compressing import bytes_from
from eigenlorax.errors import InvalidRequestError
from eigenlorax.runtime.options import LoadOptions, Placement, Precision, Prediction
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from tests import tiny
from tests.conftest import CPU

ROOT = Path(__file__).parent.parent


def test_demo_writes_sheet_table_and_report(tmp_path: Path, tiny_model: Path, base: BaseModel) -> None:
    for seed in range(2):
        tiny.write_lora(tmp_path / "in" / f"s{seed}.safetensors", tiny.lora(base.layout, "x", seed=seed))
    (tmp_path / "in" / "bad.safetensors").write_text("text")
    out = tmp_path / "out"
    result = CliRunner().invoke(
        app, ["demo", "--out", str(out), "--model", str(tiny_model), "--loras", str(tmp_path / "in")]
    )
    assert result.exit_code == 0, result.output
    assert "bad.safetensors: bad.safetensors is not a safetensors file" in result.output
    report = json.loads((out / "report.json").read_text())
    assert set(report["styles"]) == {"s0", "s1"}
    assert report["stored_bytes"] > 0 < report["switch_ms"]
    assert (out / "fidelity.txt").read_text().count("\n") == 4
    with Image.open(out / "contact-sheet.png") as sheet:
        assert sheet.width > 400


def test_a_wrong_model_is_one_line_on_stderr(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["demo", "--out", str(tmp_path), "--model", "./nope"])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ./nope does not exist")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"], ["version"]])
def test_it_runs_as_a_module(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "eigenlorax", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert done.stdout.strip()


def test_inspect_tells_in_words_and_in_json(tmp_path: Path, base: BaseModel, tiny_model: Path) -> None:
    good = tiny.write_lora(
        tmp_path / "neon.safetensors",
        tiny.lora(base.layout, "x"),
        metadata={"modelspec.license": "MIT", "ss_steps": "700"},
    )
    good.with_suffix(".json").write_text(
        json.dumps({"activation text": "neon style", "preferred weight": 0.7})
    )
    again = tmp_path / "copy.safetensors"
    again.write_bytes(good.read_bytes())
    result = CliRunner().invoke(app, ["inspect", str(good), str(again), "--model", str(tiny_model)])
    assert result.exit_code == 0, result.output
    for words in ("usable", "neon style", "Advised strength    0.7", "MIT", "steps 700", "AutoV2"):
        assert words in result.output
    assert "the same LoRA under several names: neon, copy" in result.output
    result = CliRunner().invoke(app, ["inspect", str(good), "--json", "--model", str(tiny_model)])
    (content,) = json.loads(result.output)["files"]
    assert content["hashes"]["sha256"] == hashlib.sha256(good.read_bytes()).hexdigest()
    assert {tensor["fate"] for tensor in content["tensors"].values()} == {"used", "folded"}
    assert all(module["norm"] > 0 for module in content["modules"].values())


def test_inspect_names_what_is_broken_and_says_so_to_scripts(tmp_path: Path, tiny_model: Path) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_text("hello")
    result = CliRunner().invoke(app, ["inspect", str(path), "--model", str(tiny_model)])
    assert result.exit_code == 1
    assert "not a safetensors file" in result.output


def test_compress_imports_first_and_keeps_what_it_made(
    tmp_path: Path, tiny_model: Path, base: BaseModel
) -> None:
    for seed in range(3):
        tiny.write_lora(tmp_path / "in" / f"s{seed}.safetensors", tiny.lora(base.layout, "x", seed=seed))
    (tmp_path / "in" / "bad.safetensors").write_text("text")
    where = ["compress", "--data-dir", str(tmp_path / "data"), "--model", str(tiny_model)]
    chosen = ["--loras", str(tmp_path / "in"), "--name", "s0", "--name", "s2"]
    result = CliRunner().invoke(app, [*where, *chosen])
    assert result.exit_code == 0, result.output
    assert "bad.safetensors: bad.safetensors is not a safetensors file" in result.output
    assert "2 LoRAs: " in result.output
    result = CliRunner().invoke(app, [*where, *chosen, "--json"])
    figures = json.loads(result.stdout)
    assert set(figures["styles"]) == {"s0", "s2"}
    assert set(figures["not_imported"]) == {"bad.safetensors"}
    assert all(style["energy_kept"] > 0.9 for style in figures["styles"].values())
    # The LoRAs stay in the library, so that a second call needs no --loras.
    result = CliRunner().invoke(app, [*where, "--budget", "60 kB", "--json"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert set(figures["styles"]) == {"s0", "s1", "s2"}
    assert figures["stored_bytes"] <= 60_000
    assert set(Studio(str(tiny_model), tmp_path / "data", CPU).styles) == {"s0", "s1", "s2"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--name", "nobody"], "no usable LoRA named nobody"),
        (["--retain", "0.9", "--budget", "1MB"], "give one of them"),
        (["--budget", "much"], "'much' is no size"),
        (["--retain", "1.5"], "1.5"),
    ],
)
def test_compress_says_what_cannot_be(
    tmp_path: Path, tiny_model: Path, base: BaseModel, arguments: list[str], words: str
) -> None:
    lora = tiny.write_lora(tmp_path / "s.safetensors", tiny.lora(base.layout, "x"))
    where = ["--data-dir", str(tmp_path / "data"), "--model", str(tiny_model), "--loras", str(lora)]
    result = CliRunner().invoke(app, ["compress", *where, *arguments])
    assert result.exit_code == 1
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ("30MB", 30_000_000),
        ("1.5 gb", 1_500_000_000),
        ("2KiB", 2048),
        ("100", 100),
        ("7 B", 7),
        ("3M", 3_000_000),
    ],
)
def test_sizes_are_read_as_people_write_them(words: str, size: int) -> None:
    assert bytes_from(words) == size


@pytest.mark.parametrize("words", ["", "MB", "-3MB", "1e6", "3TB", "IB", "5 I"])
def test_what_is_no_size_is_refused(words: str) -> None:
    with pytest.raises(InvalidRequestError, match="is no size"):
        bytes_from(words)


def test_options_before_the_command_reach_the_model(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []

    def spy(model: str, data_dir: Path, options: LoadOptions) -> Studio:
        given.append(options)
        return Studio(model, data_dir, CPU, options)

    monkeypatch.setattr("eigenlorax.cli.common.Studio", spy)
    command = ["versions", "--data-dir", str(tmp_path), "--model", str(tiny_model)]
    for before in (
        [],
        ["--precision", "bf16", "--placement", "cpu", "--no-half-vae", "--prediction", "v", "--offline"],
    ):
        result = CliRunner().invoke(app, [*before, *command])
        assert result.exit_code == 0, result.output
    assert given == [
        LoadOptions(),
        LoadOptions(Precision.BF16, "auto", False, Placement.CPU, Prediction.V, True),
    ]
