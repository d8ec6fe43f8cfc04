"""Styles move between versions, and two subspaces become one: against dense matrices."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenlorax.errors import InvalidRequestError, SubspaceMismatchError, WrongBaseError
from eigenlorax.events import drain
from eigenlorax.subspace.fingerprint import Fingerprint
from eigenlorax.subspace.fit import Goal
from eigenlorax.subspace.merge import Part, merge
from eigenlorax.subspace.migrate import StyleUpdates, as_lora, compared, migrate, room_for_all
from eigenlorax.subspace.subspace import Subspace
from tests.subspace.small import (
    EVEN,
    LAYOUT,
    PATHS,
    dense,
    dense_lora,
    distance,
    family,
    fitted,
    stranger,
)

EXACT = Goal(retain=1.0)
#: What rounding a style to fp16 once may change, relative to its norm.
ROUNDED = 5e-4


def test_a_core_moves_by_the_formula() -> None:
    """M' = U'^T (U M V^T + R) V', and what is left of it is the new residual."""
    before, styles = fitted([*family("ab"), stranger("own", seed=50)], 0.9)
    after, _ = fitted([*family("ac"), stranger("else", seed=80)], 0.8)
    for style in styles.values():
        old = dense(before, style)
        moved = migrate(style, before, after, EXACT, EVEN).style
        for path, basis in after.bases.items():
            core = basis.out.mT @ old[path] @ basis.into
            assert float((moved.cores[path] - core).norm()) < ROUNDED * float(core.norm())
            rest = old[path] - basis.out @ core @ basis.into.mT
            near = moved.residuals[path].up @ moved.residuals[path].down
            assert float((near - rest).norm()) < ROUNDED * float(rest.norm())
        assert distance(dense(after, moved), old) < ROUNDED
        assert moved.subspace == after.hash
        assert moved.trigger_words == style.trigger_words


@settings(max_examples=12, deadline=None)
@given(retain=st.floats(0.2, 1.0), seed=st.integers(0, 9999))
def test_a_move_keeps_what_was_asked_and_tells_its_error(retain: float, seed: int) -> None:
    lora = stranger("own", 4, seed)
    before, styles = fitted([*family("ab"), lora], 0.9)
    after, _ = fitted(family("cd", seed=400))
    style = styles["own"]
    result = migrate(style, before, after, Goal(retain=retain), EVEN, lora)
    new = dense(after, result.style)
    step, total = distance(new, dense(before, style)), distance(new, dense_lora(lora))
    assert step**2 <= 1.0 - retain + 1e-5
    assert result.moved_error == pytest.approx(step, abs=1e-4)
    assert result.original_error == pytest.approx(total, abs=1e-4)
    assert result.style.fidelity.weight_error == pytest.approx(total, abs=1e-4)
    blind = migrate(style, before, after, Goal(retain=retain), EVEN)
    assert blind.original_error is None
    assert (
        blind.style.fidelity.weight_error >= total - 1e-4
    )  # a floor of fidelity, never better than the truth
    assert "not at hand" in blind.words
    assert f"{result.original_error:.2%} from its LoRA" in result.words


def test_a_byte_goal_bounds_the_new_private_ranks() -> None:
    before, styles = fitted([*family("ab"), stranger("own", seed=50)], 0.95)
    after, _ = fitted(family("cd", seed=400))
    errors = []
    for budget in (1, 600, 5000):
        moved = migrate(styles["own"], before, after, Goal(number_bytes=budget), EVEN)
        assert 2 * sum(x.up.numel() + x.down.numel() for x in moved.style.residuals.values()) <= budget
        errors.append(moved.moved_error)
    assert errors[0] > errors[1] > errors[2]


def test_moving_there_and_back_is_the_way_home() -> None:
    before, styles = fitted([*family("ab"), stranger("own", seed=50)], 0.95)
    after, _ = fitted(family("cd", seed=400))
    taught = replace(styles["own"], notes={"taught": "from 8 pictures"})
    there = migrate(taught, before, after, EXACT, EVEN).style
    assert there.notes["taught"] == "from 8 pictures"
    assert "moved" in there.notes
    back = migrate(there, after, before, EXACT, EVEN).style
    assert distance(dense(before, back), dense(before, styles["own"])) < 2 * ROUNDED


def test_a_style_moves_only_from_its_own_subspace() -> None:
    before, styles = fitted(family("ab"))
    after, _ = fitted(family("cd", seed=400))
    with pytest.raises(SubspaceMismatchError, match="a belongs to subspace"):
        migrate(styles["a"], after, before, EXACT, EVEN)
    narrow = Subspace({PATHS[0]: after.bases[PATHS[0]]}, "layout", {}, 1.0)
    with pytest.raises(SubspaceMismatchError, match=r"no place for unet\.b"):
        migrate(styles["a"], before, narrow, EXACT, EVEN)
    room = room_for_all(narrow, styles, before, LAYOUT)
    assert migrate(styles["a"], before, room, EXACT, EVEN).moved_error < ROUNDED


def test_updates_of_a_style_have_no_more_columns_than_its_rank() -> None:
    """Cores of rank 2 in bases of 6 columns: a rounding of float32 is not a direction."""
    subspace, styles = fitted([stranger("x", 2, 1), *family("abcd", rank=4)], 0.9999)
    updates = StyleUpdates(styles["x"], subspace)
    assert list(updates) == list(styles["x"].cores)
    exact = dense(subspace, styles["x"])
    for path, layer in updates.items():
        assert layer.rank <= 4
        torch.testing.assert_close(layer.up @ layer.down, exact[path], rtol=1e-4, atol=1e-5)


def test_errors_count_modules_that_only_one_side_has() -> None:
    one, other = stranger("x", 2, 1), stranger("y", 2, 9)
    only_a = {PATHS[0]: one.layers[PATHS[0]]}
    both = dense_lora(one)
    missing = float(both[PATHS[1]].norm()) / float(torch.cat([m.flatten() for m in both.values()]).norm())
    assert compared(only_a, one.layers, 1).weight_error == pytest.approx(missing, abs=1e-5)
    more = compared({**only_a, PATHS[1]: other.layers[PATHS[1]]}, only_a, 1)
    assert more.weight_error <= 1.0
    assert compared(only_a, only_a, 1).weight_error < 1e-5


def test_two_subspaces_become_one_with_every_style_as_it_was() -> None:
    first = Part(*fitted(family("ab")))
    second = Part(*fitted([*family("cd", seed=400), stranger("own", seed=50)]))
    merged = drain(merge(first, second, Goal(retain=0.999), EVEN))
    assert set(merged.moved) == {"a", "b", "c", "d", "own"}
    assert set(merged.subspace.sources) == {"a", "b", "c", "d", "own"}
    squares = []
    for part in (first, second):
        for name, style in part.styles.items():
            error = distance(dense(merged.subspace, merged.styles[name]), dense(part.subspace, style))
            assert merged.moved[name].moved_error == pytest.approx(error, abs=2e-3)
            squares.append(error**2)
            assert merged.styles[name].trigger_words == style.trigger_words
            assert merged.styles[name].source_sha256 == style.source_sha256
            assert merged.styles[name].fidelity.energy_kept <= style.fidelity.energy_kept
    assert sum(squares) / len(squares) < 1.2e-3


def test_joint_bases_weigh_old_columns_by_the_energy_of_their_styles() -> None:
    """The leading eigenvectors of sum(dW dW^T) / ||dW||^2 over the styles of both, whatever is private to them."""
    first, second = Part(*fitted(family("ab"), 1.0)), Part(*fitted(family("cd", seed=400), 1.0))
    merged = drain(merge(first, second, Goal(retain=0.95), EVEN))
    basis = merged.subspace.bases[PATHS[0]]
    total = torch.zeros(40, 40)
    for part in (first, second):
        for style in part.styles.values():
            update = dense(part.subspace, style)
            energy = sum(float(matrix.square().sum()) for matrix in update.values())
            total += update[PATHS[0]] @ update[PATHS[0]].mT / energy
    count = basis.core_shape[0]
    assert 3 <= count < 6
    best = float(torch.linalg.eigvalsh(total)[-count:].sum())
    assert float(torch.trace(basis.out.mT @ total @ basis.out)) == pytest.approx(best, rel=0.02)


def test_clashing_names_and_foreign_bases_are_refused() -> None:
    first, second = Part(*fitted(family("ab"))), Part(*fitted(family("bc", seed=400)))
    with pytest.raises(InvalidRequestError, match="both subspaces have a style named b"):
        drain(merge(first, second, EXACT, EVEN))
    third = Part(*fitted(family("xy", seed=400)))
    other = Part(replace(third.subspace, layout="another"), third.styles)
    with pytest.raises(WrongBaseError, match="another layout"):
        drain(merge(first, other, EXACT, EVEN))

    def for_base(part: Part, name: str, norm: float) -> Part:
        print_ = Fingerprint(name, dict.fromkeys(PATHS, norm))
        return Part(replace(part.subspace, base=print_), part.styles)

    with pytest.raises(WrongBaseError, match="made for far, which is foreign to here"):
        drain(merge(for_base(first, "here", 1.0), for_base(third, "far", 2.0), EXACT, EVEN))
    near = drain(merge(for_base(first, "here", 1.0), for_base(third, "near", 1.05), EXACT, EVEN))
    assert "made for near, which is related" in near.notice
    same = drain(merge(for_base(first, "here", 1.0), for_base(third, "here", 1.0), EXACT, EVEN))
    assert same.notice == ""
    assert as_lora(same.styles["x"], same.subspace).name == "x"
