"""Several processes learn what one learns; shares, agreement and what keeps a crew from starting."""

import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor

from eigenlorax.errors import InvalidRequestError
from eigenlorax.training.crew import ALONE, Crew, enlisted
from tests.training import crew_case

ROOT = Path(__file__).parents[2]
_TOLD = [
    "--multi_gpu",
    "--num_machines=1",
    "--mixed_precision=no",
    "--dynamo_backend=no",
    "--main_process_port=0",
]


def launched(processes: int, *told: str) -> subprocess.CompletedProcess[str]:
    """Run a module in several processes, as a user does."""
    launch = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        *_TOLD,
        f"--num_processes={processes}",
        "-m",
    ]
    return subprocess.run([*launch, *told], cwd=ROOT, capture_output=True, text=True, check=False)


def test_two_processes_learn_what_one_learns(tiny_model: Path, tmp_path: Path) -> None:
    done = launched(2, crew_case.__name__, str(tiny_model), str(tmp_path))
    assert done.returncode == 0, done.stderr
    alone = crew_case.learn(ALONE, tiny_model)
    first, second = (load_file(tmp_path / f"crew.{index}.safetensors") for index in range(2))
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name])  # not even the order of sums differs between them
    found = torch.tensor([*alone.distances, *alone.before], dtype=torch.float64)
    torch.testing.assert_close(first["found"], found, rtol=1e-5, atol=0.0)
    right = _apart(first, alone.now)
    assert right < 1e-3
    assert _apart(load_file(tmp_path / "unweighted.0.safetensors"), alone.now) > 20 * right


def _apart(found: dict[str, Tensor], numbers: tuple[Tensor, ...]) -> float:
    """Relative distance of what was learnt."""
    mine = torch.cat([found[f"now.{place}"].flatten() for place in range(len(numbers))])
    other = torch.cat([z.flatten() for z in numbers])
    return float((mine - other).norm() / other.norm())


@given(st.integers(1, 9), st.integers(0, 40))
def test_shares_are_all_rows_once_and_weigh_as_many_as_they_are(count: int, more: int) -> None:
    rows = count + more
    crews = [Crew(index, count) for index in range(count)]
    taken = [list(range(rows))[crew.share(rows)] for crew in crews]
    assert list(chain.from_iterable(taken)) == list(range(rows))
    assert max(map(len, taken)) - min(map(len, taken)) <= 1
    values = torch.arange(rows, dtype=torch.float64).square()
    means = [crew.weight(rows) * float(values[crew.share(rows)].mean()) for crew in crews]
    assert sum(means) / count == pytest.approx(float(values.mean()))


def test_fewer_rows_than_processes_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="2 pictures cannot be shared among 3 processes"):
        Crew(0, 3).share(2)


def test_the_crew_of_one_changes_nothing() -> None:
    tensor = torch.tensor([0.1, 0.2])
    ALONE.mean([tensor])
    ALONE.same("subspace", "a")
    assert tensor.tolist() == torch.tensor([0.1, 0.2]).tolist()
    assert ALONE.agreed([0.1]) == (0.1,)
    assert (ALONE.share(7), ALONE.weight(7), ALONE.first) == (slice(0, 7), 1.0, True)
    with enlisted() as crew:
        assert crew is ALONE


def test_a_launch_that_started_one_process_only_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    monkeypatch.setenv("MASTER_PORT", "29500")
    with pytest.raises(InvalidRequestError, match="--multi_gpu in place of --cpu"), enlisted():
        pass
