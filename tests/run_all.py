"""Set up what the tests need and run them all: `python3 tests/run_all.py`.

Makes a virtual environment in `.venv` unless one is active, installs the pinned packages, finds or
installs a browser, then runs ruff, mypy and pytest. Arguments are handed to pytest.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"


def run(*command: str | Path) -> None:
    """Run a command in the repository's root, or end with its exit status."""
    print("+", *command, flush=True)
    done = subprocess.run([str(part) for part in command], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def python_with_packages() -> Path:
    """The interpreter that has the pinned packages: the active environment's, else `.venv`'s."""
    if sys.prefix != sys.base_prefix:
        python = Path(sys.executable)
    else:
        python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        if not python.exists():
            print("+ making", VENV, flush=True)
            venv.create(VENV, with_pip=True)
    run(python, "-m", "pip", "install", "--quiet", "-r", "requirements-dev.txt")
    return python


def provide_browser(python: Path) -> None:
    """Find Chromium, or get it from the system's packages, or let playwright download its own."""
    if shutil.which("chromium"):
        return
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if shutil.which("apt-get") and is_root:
        run("apt-get", "update", "-qq")
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium")
        return
    run(python, "-m", "playwright", "install", "chromium")


def main() -> None:
    """Lint, type-check and test; the first failure ends the run."""
    python = python_with_packages()
    provide_browser(python)
    run(python, "-m", "ruff", "check", ".")
    run(python, "-m", "ruff", "format", "--check", ".")
    run(python, "-m", "mypy")
    run(python, "-m", "pytest", *sys.argv[1:])


if __name__ == "__main__":
    main()
