"""Shares, means and agreement of a crew; two real processes are in tests/subspaces/test_teaching_crew.py."""

from itertools import chain

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, distributed

from eigenlorax.errors import InvalidRequestError
from eigenlorax.training.crew import ALONE, Crew, enlisted


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


def test_means_are_taken_in_place_over_all_of_the_crew(monkeypatch: pytest.MonkeyPatch) -> None:
    others = torch.tensor([4.0, 10.0, 20.0, 30.0, 40.0])
    monkeypatch.setattr(distributed, "all_reduce", lambda flat: flat.add_(others))
    loss, gradient = torch.tensor(2.0), torch.tensor([[0.0, 2.0], [4.0, 6.0]])
    place = gradient.data_ptr()
    Crew(1, 2).mean([loss, gradient])
    assert float(loss) == 3.0
    assert gradient.tolist() == [[5.0, 11.0], [17.0, 23.0]]
    assert gradient.data_ptr() == place


def test_the_first_ones_figures_hold_to_the_last_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    firsts = [0.1, 1e-300, -7.0]

    def broadcast(told: Tensor, source: int) -> None:
        assert source == 0
        told.copy_(torch.tensor(firsts, dtype=torch.float64).view(torch.uint8))

    monkeypatch.setattr(distributed, "broadcast", broadcast)
    assert Crew(1, 2).agreed([0.2, 0.3, 0.4]) == tuple(firsts)


def test_what_differs_between_processes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "broadcast", lambda *_: None)  # the first one's is the same
    Crew(1, 2).same("subspace", "a")
    monkeypatch.setattr(distributed, "broadcast", lambda told, _: told.add_(1))
    with pytest.raises(InvalidRequestError, match="process 2 of 2 has another subspace"):
        Crew(1, 2).same("subspace", "a")


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
