"""One fitted subspace, kept in each kind of numbers."""

from dataclasses import replace

import pytest

from eigenlorax.events import drain
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspace.basis import stored_basis
from eigenlorax.subspace.fit import Fit, Goal, fit
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from tests import tiny


@pytest.fixture(scope="module")
def fitted(base: BaseModel) -> Fit:
    # Three relatives give the subspace shared columns, "b" of its own kind gives a style private ranks.
    loras = [*tiny.relatives(base.layout, ("a", "c", "d"), 4, 1), tiny.lora(base.layout, "b", 16, 2)]
    return drain(fit(loras, {"a": 10, "b": 20}, base.layout_hash, Goal(retain=0.8)))


@pytest.fixture(scope="module", params=Numbers)
def subspace(request: pytest.FixtureRequest, fitted: Fit) -> Subspace:
    bases = fitted.subspace.bases.items()
    kept = {path: stored_basis(basis.out, basis.into, request.param) for path, basis in bases}
    return replace(fitted.subspace, bases=kept)


@pytest.fixture
def styles(fitted: Fit, subspace: Subspace) -> dict[str, Style]:
    return {
        name: Style(
            name, p.cores, subspace.hash, p.fidelity, ("word", "two"), "ab" * 32, p.ranks, p.residuals
        )
        for name, p in fitted.projections.items()
    }
