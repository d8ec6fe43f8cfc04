"""`python app.py` as a person meets it when something is wrong: one line, the right exit code, no traceback."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

import app

ROOT = Path(__file__).parent.parent.parent


def run_app(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "app.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_listening_to_others_needs_a_password() -> None:
    refused = run_app("--listen")
    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        "app.py: --listen opens the page to others, so it needs --auth USER:PASSWORD"
    ]


def test_help_is_there() -> None:
    helped = run_app("--help")
    assert helped.returncode == 0
    for flag in ("--port", "--listen", "--share", "--auth", "--data-dir", "--model", "--no-browser"):
        assert flag in helped.stdout


def test_a_wrong_model_is_one_line(tmp_path: Path) -> None:
    failed = run_app("--model", str(tmp_path / "none"), "--data-dir", str(tmp_path), "--no-browser")
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert line.startswith(f"app.py: {tmp_path}/none does not exist")


def test_a_taken_port_is_one_line(tiny_model: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        failed = run_app(
            "--model", str(tiny_model), "--data-dir", str(tmp_path), "--no-browser", "--port", port
        )
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith(f"app.py: port {port} at 127.0.0.1 cannot be used")
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize("package", ["gradio", "torch"])
def test_a_missing_package_is_named(
    package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in ("ui", "eigenlorax")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    assert app.main(["--data-dir", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"app.py: {package} is missing: run  pip install -r requirements.txt\n"
