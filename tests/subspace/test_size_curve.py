"""Sizes told beforehand, against what a fit truly chooses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import drain
from eigenlorax.lora import LoRA
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspace.allocate import within_budget, within_error
from eigenlorax.subspace.frames import hosvd
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.options import options_of
from eigenlorax.subspace.size_curve import SizeCurve, sampled, size_curve
from eigenlorax.subspace.updates import Updates
from tests import tiny
from tests.subspace.test_fit import CPU

PATHS = [ModulePath(Component.UNET, f"blocks.{n}.{end}") for n in range(40) for end in ("to_q", "to_k", "ff")]


@pytest.fixture(scope="module")
def family(base: BaseModel) -> list[LoRA]:
    few = {path: shape for path, shape in base.layout.items() if "blocks" in path.name}
    return tiny.relatives(few, ("a", "b", "c"), 4, 1)


def test_with_all_modules_it_is_the_fits_own_choice(family: list[LoRA]) -> None:
    modules = sorted({path for lora in family for path in lora.layers})
    importance = {path: 1.0 + 0.1 * place for place, path in enumerate(modules)}
    curve = drain(size_curve(family, importance, Numbers.INT8, most=len(modules)))
    assert curve.measured == len(modules) and curve.modules == tuple(modules)
    norms = [sum(lora.layers[p].norm ** 2 * importance[p] for p in modules) ** 0.5 for lora in family]
    options = {}
    for path in modules:
        updates = Updates(family, path, CPU)
        weights = [importance[path] ** 0.5 / norm for norm in norms]
        options[path] = options_of(updates, weights, hosvd(updates, weights), Numbers.INT8)
    for retain in (0.6, 0.9, 0.99):
        chosen = within_error(options, (1.0 - retain) * len(family))
        true = sum(choice.file_bytes for choice in chosen.values())
        assert curve.number_bytes(retain) == pytest.approx(true, rel=0.05)
        bought = within_budget(options, true)
        kept = 1.0 - sum(choice.error for choice in bought.values()) / len(family)
        assert curve.kept(true) == pytest.approx(kept, abs=0.1 * (1.0 - retain) + 0.002)


def test_it_comes_in_rounds_and_refuses_nothing(family: list[LoRA]) -> None:
    importance = {path: 1.0 for lora in family for path in lora.layers}
    rounds = list(size_curve(family, importance, Numbers.INT8, most=10))
    assert [curve.measured for curve in rounds] == [8, 10]
    with pytest.raises(InvalidRequestError, match="nothing to measure"):
        drain(size_curve([], {}, Numbers.INT8))


@given(most=st.integers(1, 130))
def test_a_sample_has_every_kind_in_proportion(most: int) -> None:
    chosen = sampled(PATHS, most)
    assert len(set(chosen)) == len(chosen) == min(most, len(PATHS))
    kinds = [sum(path.name.endswith(end) for path in chosen) for end in ("to_q", "to_k", "ff")]
    assert max(kinds) - min(kinds) <= 1
    begun = [path.name.rpartition(".")[2] for path in chosen[:8]]
    assert most < 8 or len(set(begun)) == 3


@given(st.lists(st.tuples(st.integers(0, 9999), st.integers(1, 10**9)), min_size=1, max_size=20))
def test_both_ways_rise_and_stay_inside(points: list[tuple[int, int]]) -> None:
    kept, sizes = (sorted(set(side)) for side in zip(*points, strict=True))
    curve = SizeCurve(tuple(zip([share / 10_000 for share in kept], sizes, strict=False)), 1, (PATHS[0],))
    told = [curve.number_bytes(retain) for retain in (0.1, 0.5, 0.9, 0.99, 1.0)]
    assert told == sorted(told)
    assert curve.points[0][1] <= told[0] + 1 and told[-1] <= curve.points[-1][1] + 1
    for share, size in curve.points:
        assert curve.number_bytes(share) == pytest.approx(size, rel=1e-3, abs=1)
        assert 0.0 <= curve.kept(size) <= 1.0
