"""README's commands, paths and flags are true."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from eigenlorax.events import drain
from eigenlorax.library.library import Library
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspace.fit import Goal, fit
from tests import tiny

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```bash\n(.+?)\n```", README, re.DOTALL)
SNIPPETS = re.findall(r"```python\n(.+?)\n```", README, re.DOTALL)
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


@pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
)  # peft asks transformers
def test_its_python_runs_on_a_tiny_model(
    tiny_model: Path, base: BaseModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One snippet after another, as a reader would."""
    loras = [
        replace(lora, layers=dict(list(lora.layers.items())[:8]))
        for lora in tiny.relatives(base.layout, ("clay", "comic"))
    ]
    made = drain(fit(loras, {}, base.layout_hash, Goal(0.9)))
    Library(tmp_path / "my-data").save(made.subspace, made.styles(dict.fromkeys(("clay", "comic"), ())))
    monkeypatch.chdir(tmp_path)
    code = "\n".join(SNIPPETS)
    assert "assets/demo/model" in code
    assert "EigenLoRAxConfig" in code
    exec(code.replace("assets/demo/model", str(tiny_model)), {})  # the README's own words
    assert (tmp_path / "apple.png").is_file()
    assert (tmp_path / "my-style" / "adapter_config.json").is_file()
