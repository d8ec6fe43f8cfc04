"""The start files for people without a terminal: they run, fetch what requirements.txt says, and only once."""

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAUNCH = ROOT / "assets" / "launch"
TORCH = re.findall(r"(?m)^(torch==[\w.]+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"))[0]
BAT = (LAUNCH / "start-windows.bat").read_bytes().decode("ascii")
LINES = BAT.split("\r\n")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a shell is needed")


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder with the start files, a .venv that writes down what it is asked for, and no graphics card."""
    shutil.copytree(LAUNCH, tmp_path / "a b" / "assets" / "launch")
    shutil.copy(ROOT / "requirements.txt", tmp_path / "a b")
    script(
        tmp_path / "a b" / ".venv" / "bin" / "python",
        'echo "$*" >> log; [ "$1" != app.py ] || exit "${EXIT:-0}"',
    )
    for tool in ("sh", "dirname", "sed", "cp", "cmp", "uname"):
        found = shutil.which(tool)
        assert found
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path / "a b"


def start(house: Path, *command: str, **environment: str) -> tuple[int, list[str]]:
    """Run a start file away from its folder; returns the exit code and what Python was asked for."""
    log = house / "log"
    log.unlink(missing_ok=True)
    command = command or (str(house / "assets" / "launch" / "start.sh"),)
    done = subprocess.run(
        command, cwd="/", env={"PATH": str(house.parent / "bin"), **environment},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    return done.returncode, log.read_text(encoding="utf-8").splitlines() if log.exists() else [done.stderr]


ALL = "-m pip install -r requirements.txt"


def only_torch(index: str) -> str:
    return f"-m pip install --index-url {index} {TORCH}"


CPU = only_torch("https://download.pytorch.org/whl/cpu")


@pytest.mark.parametrize("name", ["start.sh", "start-macos.command"])
def test_shell_scripts_are_well_formed_and_may_run(name: str) -> None:
    path = LAUNCH / name
    assert subprocess.run(["bash", "-n", path], check=False).returncode == 0
    assert subprocess.run(["sh", "-n", path], check=False).returncode == 0
    assert os.access(path, os.X_OK)


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
def test_the_first_start_fetches_and_the_second_only_starts(house: Path) -> None:
    assert start(house) == (0, [CPU, ALL, "app.py"])
    assert start(house, str(house / "assets" / "launch" / "start-macos.command"), "--port", "1") == (
        0, ["app.py --port 1"],
    )  # fmt: skip
    (house / "requirements.txt").write_text(f"{TORCH}  # and more\n", encoding="utf-8")
    assert start(house)[1] == [CPU, ALL, "app.py"]


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
def test_torch_is_the_build_of_the_card(house: Path) -> None:
    index = "https://download.pytorch.org/whl/rocm"
    assert start(house, TORCH_INDEX=index)[1][0] == only_torch(index)
    (house / ".venv" / "installed.txt").unlink()
    script(house.parent / "bin" / "nvidia-smi", "")
    assert start(house)[1] == [ALL, "app.py"]  # PyPI's own build has CUDA


def test_what_fails_is_told_and_tried_again(house: Path) -> None:
    assert start(house, EXIT="3")[0] == 3
    script(house / ".venv" / "bin" / "python", "exit 1")
    (house / ".venv" / "installed.txt").unlink()
    code, (words,) = start(house)
    assert code == 1
    assert words.endswith("The packages could not be fetched: go online, then start again.\n")
    assert not (house / ".venv" / "installed.txt").exists()
    shutil.rmtree(house / ".venv")
    code, (words,) = start(house)
    assert (code, "Python 3.11 or newer is missing" in words) == (1, True)


def test_the_desktop_entry_starts_the_script_that_lies_beside_it(house: Path) -> None:
    entry = configparser.RawConfigParser()
    entry.optionxform = str  # type: ignore[assignment]
    path = house / "assets" / "launch" / "start-linux.desktop"
    entry.read(path, encoding="utf-8")
    told = dict(entry["Desktop Entry"])
    assert (told["Type"], told["Terminal"], told["Name"]) == ("Application", "true", "EigenLoRAx Studio")
    # As the Desktop Entry Specification reads it: backslashes of the string first, then the quoting.
    command = [part.replace("\\$", "$") for part in shlex.split(told["Exec"].replace("\\\\", "\\"))]
    for place in (str(path), f"file://{path}"):
        run = [place if part == "%k" else part for part in command]
        assert start(house, *run)[1][-1] == "app.py"


def test_the_batch_file_goes_only_where_there_is_a_label() -> None:
    assert LINES[0] == "@echo off"
    assert "\n" not in BAT.replace("\r\n", "")
    labels = [line[1:] for line in LINES if line.startswith(":")]
    assert len(set(labels)) == len(labels)
    assert set(re.findall(r"\bgoto (\w+)", BAT)) == set(labels)
    for line in LINES:
        assert line.count('"') % 2 == 0, line
        assert line.count("(") == line.count(")"), line


def test_the_batch_file_names_what_is_there_and_no_version_of_its_own() -> None:
    for name in ("requirements.txt", "app.py"):
        assert name in BAT
        assert (ROOT / name).is_file()
    assert not re.search(r"==\d", BAT.replace("torch==", ""))
    assert 'findstr /b "torch==" requirements.txt' in BAT
    assert "https://download.pytorch.org/whl/cu130" in BAT
    before = BAT.index("pip install --index-url")
    assert before < BAT.index("pip install -r requirements.txt") < BAT.index("copy /y requirements.txt")


def test_the_least_python_is_the_projects_own() -> None:
    (least,) = re.findall(
        r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    )
    for path in ("start.sh", "start-windows.bat"):
        text = (LAUNCH / path).read_text(encoding="ascii")
        assert f"Python {least} or newer" in text
        assert f"sys.version_info < ({least.replace('.', ', ')})" in text


def test_the_readme_names_the_builds_that_the_start_files_fetch() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"pip install {TORCH} --index-url https://download.pytorch.org/whl/cu130" in readme
    assert all(f"assets/launch/{path.name}" in readme for path in LAUNCH.glob("start-*"))
