"""A small collection with shared columns and private ranks, and the dense matrices it stands for."""

from functools import cache

import torch

from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from tests.subspace.small import PATHS, dense, family, fitted, stranger

IMPORTANCE = {PATHS[0]: 1.0, PATHS[1]: 0.25}


@cache
def collection() -> tuple[Subspace, dict[str, Style]]:
    """Four relatives and two strangers, at a loss: some keep private ranks that are cut off and rounded."""
    subspace, styles = fitted([*family("abcd"), stranger("x", seed=5), stranger("y", seed=25)], retain=0.9)
    assert any(style.residuals for style in styles.values())
    assert any(all(basis.core_shape) for basis in subspace.bases.values())
    return subspace, styles


def vector(update: dict[ModulePath, torch.Tensor]) -> torch.Tensor:
    """An update as one long float64 vector, each module times the root of its importance."""
    return torch.cat([IMPORTANCE[path] ** 0.5 * update[path].double().flatten() for path in PATHS])


@cache
def vectors() -> dict[str, torch.Tensor]:
    """Every style's update as one vector of weights: the oracle."""
    subspace, styles = collection()
    return {name: vector(dense(subspace, style)) for name, style in styles.items()}
