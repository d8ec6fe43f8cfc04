"""One fitted subspace, kept in each kind of numbers."""

from dataclasses import replace

import pytest

from eigenlorax.events import drain
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspace.fit import Fit, Goal, fit
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from tests import tiny


@pytest.fixture(scope="module", params=Numbers)
def fitted(request: pytest.FixtureRequest, base: BaseModel) -> Fit:
    # Three relatives give the subspace shared columns, "b" of its own kind gives a style private ranks.
    loras = [*tiny.relatives(base.layout, ("a", "c", "d"), 4, 1), tiny.lora(base.layout, "b", 16, 2)]
    goal = Goal(retain=0.8, numbers=request.param)
    return drain(fit(loras, {"a": 10, "b": 20}, base.layout_hash, goal))


@pytest.fixture
def subspace(fitted: Fit) -> Subspace:
    return fitted.subspace


@pytest.fixture
def styles(fitted: Fit) -> dict[str, Style]:
    made = fitted.styles(dict.fromkeys(fitted.projections, ("word", "two")))
    return {name: replace(style, source_sha256="ab" * 32) for name, style in made.items()}
