"""No pickle is ever opened: not by the program's own words, and not by a library it asks."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([ROOT / "app.py", *(ROOT / "eigenlorax").rglob("*.py"), *(ROOT / "ui").rglob("*.py")])
UNPICKLERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "_pickle"}
LOADERS = {
    "torch.load",
    "np.load",
    "numpy.load",
    "yaml.load",
    "yaml.unsafe_load",
    "yaml.full_load",
    "torch.jit.load",
}
PRETRAINED = {"from_pretrained"}


def calls(path: Path) -> Iterator[ast.Call]:
    yield from (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_opens_pickles_is_imported_or_called(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            assert not {alias.name.split(".")[0] for alias in node.names} & UNPICKLERS
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in UNPICKLERS
    for call in calls(path):
        name = ast.unparse(call.func)
        assert name not in LOADERS, f"line {call.lineno}"
        told = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert told.get("weights_only", "True") == "True", f"line {call.lineno}"
        assert told.get("trust_remote_code", "False") == "False", f"line {call.lineno}"
        assert told.get("allow_pickle", "False") == "False", f"line {call.lineno}"


def test_models_are_read_as_safetensors_only() -> None:
    """Whoever asks diffusers for a model says so: a pickle beside is then not even looked at."""
    asked = 0
    for path in SOURCES:
        for call in calls(path):
            name = ast.unparse(call.func)
            if name.split(".")[-1] in PRETRAINED and name.split(".")[0] in (
                "StableDiffusionXLPipeline", "AutoencoderKL", "ControlNetModel",
            ):  # fmt: skip
                told = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
                assert told.get("use_safetensors") == "True", f"{path.name}:{call.lineno}"
                asked += 1
    assert asked >= 3
