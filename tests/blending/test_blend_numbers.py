"""What is told of a blend, and how it is balanced, against dense updates and by property."""

from itertools import combinations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenlorax.blending.balance import balanced
from eigenlorax.blending.conflict import conflict
from eigenlorax.blending.gram import Grams, grams
from eigenlorax.blending.normalise import MOST_SCALE, median_norm, scales
from eigenlorax.dials import Region
from eigenlorax.errors import InvalidRequestError
from tests.blending.cases import IMPORTANCE, collection, vectors

BLEND = {"a": 0.8, "b": -0.5, "x": 1.2}


def flat(table: list[list[float]] | torch.Tensor) -> Grams:
    """A collection all of whose differences lie in one region."""
    table = torch.as_tensor(table, dtype=torch.float64)
    return Grams(tuple("abcdefgh"[: len(table)]), {Region.STYLE: table})


def test_conflict_is_that_of_the_dense_updates() -> None:
    found = conflict(grams(*collection(), IMPORTANCE), BLEND)
    worn = {name: strength * vectors()[name] for name, strength in BLEND.items()}
    total = sum(worn.values(), torch.zeros(()))
    apart = sum(float(v @ v) for v in worn.values())
    assert found.kept == pytest.approx(float(total.norm()) / apart**0.5, rel=1e-5)
    pairs = {
        (i, j): float(worn[i] @ worn[j] / worn[i].norm() / worn[j].norm()) for i, j in combinations(worn, 2)
    }
    assert {(p.one, p.other): pytest.approx(p.cosine, abs=1e-5) for p in found.pairs} == pairs
    assert found.worst is not None
    assert abs(found.worst.cosine) == max(abs(p.cosine) for p in found.pairs)
    inner = sum(2 * float(worn[i] @ worn[j]) for i, j in pairs)
    most = sum(2 * float(worn[i].norm() * worn[j].norm()) for i, j in pairs)
    assert found.balance == pytest.approx(inner / most, abs=1e-5)
    shares = {name: float(v @ total / (total @ total)) for name, v in worn.items()}
    assert found.shares == pytest.approx(shares, abs=1e-5)
    assert sum(found.shares.values()) == pytest.approx(1.0)


def test_what_a_meter_says_at_its_ends() -> None:
    same = conflict(flat([[1.0, 1.0], [1.0, 1.0]]), {"a": 1.0, "b": 0.5})
    against = conflict(flat([[1.0, 1.0], [1.0, 1.0]]), {"a": 1.0, "b": -1.0})
    strangers = conflict(flat([[1.0, 0.0], [0.0, 4.0]]), {"a": 1.0, "b": 1.0})
    assert (same.balance, against.balance, strangers.balance) == (1.0, -1.0, 0.0)
    assert (against.kept, strangers.kept) == (0.0, 1.0)
    assert against.shares == {}


@pytest.mark.parametrize("blend", [{}, {"a": 1.0}, {"a": 1.0, "b": 0.0}])
def test_fewer_than_two_have_nothing_to_say(blend: dict[str, float]) -> None:
    found = conflict(flat([[1.0, 0.5], [0.5, 1.0]]), blend)
    assert (found.balance, found.kept, found.pairs, found.parts) == (0.0, 1.0, (), {})


def test_scales_bring_every_style_to_the_middle_norm() -> None:
    found = grams(*collection(), IMPORTANCE)
    lengths = {name: float(scale * vectors()[name].norm()) for name, scale in scales(found).items()}
    assert lengths == pytest.approx(dict.fromkeys(lengths, median_norm(found)), rel=1e-5)


def test_scales_stay_within_reason() -> None:
    assert scales(flat(torch.diag(torch.tensor([1.0, 1e-8, 1.0, 0.0])))) == {
        "a": 1.0, "b": MOST_SCALE, "c": 1.0, "d": 1.0,
    }  # fmt: skip


def test_balanced_shares_are_equal_in_the_dense_update() -> None:
    found = balanced(grams(*collection(), IMPORTANCE), BLEND)
    worn = {name: strength * vectors()[name] for name, strength in found.items()}
    before = sum((s * vectors()[name] for name, s in BLEND.items()), torch.zeros(()))
    total = sum(worn.values(), torch.zeros(()))
    assert float(total.norm()) == pytest.approx(float(before.norm()), rel=1e-5)
    shares = {name: float(v @ total / (total @ total)) for name, v in worn.items()}
    assert shares == pytest.approx(dict.fromkeys(BLEND, 1 / 3), abs=1e-4)
    assert all(found[name] * BLEND[name] > 0 for name in BLEND)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(0, 2))
def test_balance_of_any_collection(seed: int, count: int, locked: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(count, count + 3, generator=generator, dtype=torch.float64)
    strengths = torch.rand(count, generator=generator) + 0.1
    signs = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    blend = dict(zip("abcdef", (strengths * signs).tolist(), strict=False))
    kept = list(blend)[: min(locked, count - 2)]
    table = flat(rows @ rows.mT)
    found = balanced(table, blend, kept)
    assert all(found[name] == blend[name] for name in kept)
    assert all(found[name] * blend[name] > 0 for name in blend)
    worn = torch.tensor(list(found.values()), dtype=torch.float64)
    before = torch.tensor(list(blend.values()), dtype=torch.float64)
    assert float(worn @ table.total @ worn) == pytest.approx(float(before @ table.total @ before), rel=1e-5)
    shares = (worn * (table.total @ worn))[len(kept) :]
    assert shares.tolist() == pytest.approx([float(shares.mean())] * len(shares), rel=1e-4)


@pytest.mark.parametrize(("blend", "locked"), [({}, ()), ({"a": 1.0}, ()), ({"a": 1.0, "b": 1.0}, ("b",))])
def test_one_style_has_nothing_to_balance(blend: dict[str, float], locked: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequestError, match="switch on two styles"):
        balanced(flat([[1.0, 0.5], [0.5, 1.0]]), blend, locked)


def test_styles_that_cancel_are_told_of() -> None:
    with pytest.raises(InvalidRequestError, match="cancel each other"):
        balanced(flat([[1.0, 1.0], [1.0, 1.0]]), {"a": 1.0, "b": -1.0})
    with pytest.raises(InvalidRequestError, match="cancel each other"):
        balanced(flat([[1.0, 1.0], [1.0, 1.0]]), {"a": 1.0, "b": -0.5})
