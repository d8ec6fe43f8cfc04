"""The arrows of the house go one way: a file imports only from rooms above it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "eigenlorax"
ROOMS = [
    "errors", "home", "events", "module_path", "lora", "dials", "recipe", "likeness", "formats", "recall", "infotext", "subspace", "trigger_words", "runtime", "training",
    "library", "prompting", "outputs", "doctor", "report", "originals", "easel", "subspaces", "collection", "blending", "export", "intake", "studio", "sheets", "cases",
    "jobs", "http", "cli", "attached", "peft_tuner", "__init__", "__main__",
]  # fmt: skip
SOURCES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 300


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_go_one_way(path: Path) -> None:
    room = _room(path)
    for name in _imports(path):
        assert name.split(".")[0] not in {"ui", "gradio"} or path.name == "serving.py", (
            "only `serve` opens the page"
        )
        if name.startswith("eigenlorax."):
            assert ROOMS.index(name.split(".")[1]) <= ROOMS.index(room), f"{path.name} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_only_the_hardware_room_asks_for_devices() -> None:
    askers = {path.name for path in SOURCES if "torch.cuda." in path.read_text(encoding="utf-8")}
    assert askers == {"hardware.py", "graph.py"}  # which records, and asks nothing
