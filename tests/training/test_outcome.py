"""What was learnt becomes styles again; what did not learn is not rounded once more."""

from dataclasses import replace

import pytest
import torch

from eigenlorax.runtime.stacking import stack_styles
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.training.outcome import learnt_styles
from tests.subspace.small import PATHS, family, fitted, stranger

CPU = torch.device("cpu")


@pytest.mark.parametrize("numbers", Numbers)
def test_a_style_that_did_not_learn_keeps_every_stored_number(numbers: Numbers) -> None:
    subspace, by_name = fitted([*family("ab", rank=2), stranger("own", seed=50)], 0.9, numbers)
    styles = list(by_name.values())
    start = stack_styles(subspace, styles, CPU)
    cores = start[PATHS[0]].cores.clone()
    cores[0] *= 1.5
    home, learnt = learnt_styles(subspace, styles, {**start, PATHS[0]: replace(start[PATHS[0]], cores=cores)})
    assert home.hash == subspace.hash
    assert any(style.residuals for style in styles)
    changed = 1.5 * styles[0].cores[PATHS[0]]
    moved = float((learnt[0].cores[PATHS[0]] - changed).norm())
    assert moved <= (2e-2 if numbers is Numbers.INT8 else 1e-3) * float(changed.norm())
    assert learnt[0].cores.kept[PATHS[0]].rank == styles[0].cores.kept[PATHS[0]].rank
    for before, after in zip(styles, learnt, strict=True):
        same = {path for path in before.cores if after.cores.kept[path] is before.cores.kept[path]}
        assert same == set(PATHS) - ({PATHS[0]} if before is styles[0] else set())
        assert all(after.residuals.kept[path] is kept for path, kept in before.residuals.kept.items())
