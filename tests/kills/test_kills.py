"""A sample of `python -m tests.kills`: each command is killed once in its middle, and nothing is lost."""

import os
from pathlib import Path

import pytest

from eigenlorax.runtime.sdxl import BaseModel
from tests.kills.run import Before, killed, seen
from tests.kills.works import WORKS, Ground, prepared

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, base: BaseModel) -> Ground:
    return prepared(tiny_model, base, tmp_path_factory.mktemp("kills"))


@pytest.fixture(scope="module")
def before(ground: Ground) -> Before:
    return seen(ground)


@pytest.mark.parametrize(
    ("work", "after_s"),
    [
        ("import", 0.05),
        ("compress", 0.3),
        ("train", 0.6),
        ("export", 0.2),
        ("migrate", 0.15),
        ("migrate", 0.4),
    ],
)
def test_a_killed_command_loses_nothing_and_runs_again(
    tmp_path: Path, ground: Ground, before: Before, work: str, after_s: float
) -> None:
    assert work in WORKS
    assert killed(work, after_s, ground, before, tmp_path / "data").faults == ()
