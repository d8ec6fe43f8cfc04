"""README's commands, paths and flags are true."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```bash\n(.+?)\n```", README, re.DOTALL)
LINKS = re.findall(r"\]\((?!http)([^)#]+)\)", README)


@pytest.mark.parametrize("link", LINKS)
def test_what_it_links_to_is_there(link: str) -> None:
    assert (ROOT / link).exists()


def test_the_first_two_commands_start_the_app_and_run_the_tests() -> None:
    assert COMMANDS[0].endswith("app.py")
    assert "-r requirements.txt" in COMMANDS[0]
    assert COMMANDS[1] == "python3 tests/run_all.py"
    assert COMMANDS[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("script", [["app.py"], ["-m", "eigenlorax", "demo"]])
def test_every_flag_it_names_exists(script: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *script, "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    named = {"app.py": r"--(?:port|listen|share|auth|no-browser|help|model|data-dir)", "-m": r"--out"}[
        script[0]
    ]
    for flag in set(re.findall(named, README)):
        assert flag in done.stdout


def test_every_pin_has_its_reason() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith(("#", "-r")):
                assert re.fullmatch(r"[\w\-]+==[\w.]+ +# \w.+", line), line
