"""One library with two styles, and a way to run a command in it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from eigenlorax.cli import app
from eigenlorax.studio import Studio

Run = Callable[..., Result]
Tell = Callable[..., Any]


@pytest.fixture(scope="module")
def run(styled_studio: Studio, tiny_model: Path) -> Iterator[Run]:
    """A command with the library of two styles and the tiny model, which is opened once for all of them."""

    def run(*arguments: str, model: bool = True) -> Result:
        where = ["--data-dir", str(styled_studio.library.root)]
        return CliRunner().invoke(app, [*arguments, *where, *(["--model", str(tiny_model)] if model else [])])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eigenlorax.cli.common.Studio", lambda *_, **__: styled_studio)
        yield run


@pytest.fixture(scope="module")
def tell(run: Run) -> Tell:
    """What a command says with --json, once it has ended as it should."""

    def tell(*arguments: str, model: bool = True, code: int = 0) -> Any:
        result = run(*arguments, "--json", model=model)
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    return tell
