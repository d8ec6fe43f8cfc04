"""More columns: orthogonal, where they should point, and harmless to what is there."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenlorax.errors import InvalidRequestError, SubspaceMismatchError
from eigenlorax.events import drain
from eigenlorax.library.files import load_style, save_style
from eigenlorax.lora import LoRALayer
from eigenlorax.subspace.augment import (
    first_of,
    gaussian,
    gradient_driven,
    orthogonal_to,
    padded,
    weight_driven,
    widened,
    with_floor,
)
from eigenlorax.subspace.basis import Basis, empty_basis
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.subspace import Subspace
from tests.subspace.small import PATHS, SHAPES, dense, distance, draw, family, fitted, stranger

#: One unit in the last place of a number near 1 in float32: what a further column may change of an old one.
ULP = torch.finfo(torch.float32).eps


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def basis_of(rows: int, columns: int, k_out: int, k_in: int, seed: int = 5) -> Basis:
    frames = (draw(rows, k_out, seed=seed), draw(columns, k_in, seed=seed + 1))
    return Basis(*(torch.linalg.qr(frame)[0].half() for frame in frames))


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(2, 24), k=st.integers(0, 8), n=st.integers(0, 12), seed=st.integers(0, 9999))
def test_new_columns_are_orthonormal_and_span_what_was_missing(rows: int, k: int, n: int, seed: int) -> None:
    frame = torch.linalg.qr(draw(rows, min(k, rows), seed=seed))[0]
    columns = draw(rows, n, seed=seed + 1)
    found = orthogonal_to(frame, columns, n)
    both = torch.cat([frame, found], dim=1)
    assert found.shape[1] == min(n, rows - frame.shape[1])
    torch.testing.assert_close(both.mT @ both, torch.eye(both.shape[1]), rtol=0, atol=1e-6)
    torch.testing.assert_close(both @ (both.mT @ columns), columns, rtol=0, atol=1e-4)


def test_twice_is_enough_for_columns_all_but_inside_the_frame() -> None:
    frame = torch.linalg.qr(draw(50, 6, seed=1))[0]
    inside = frame @ draw(6, 3, seed=2)
    found = orthogonal_to(frame, inside + 1e-4 * draw(50, 3, seed=3), 3)
    assert found.shape[1] == 3
    assert float((frame.mT @ found).abs().max()) < 1e-6
    once = inside + 1e-4 * draw(50, 3, seed=3)
    assert (
        orthogonal_to(frame, torch.cat([inside.double(), once[:, :1].double()], 1).float(), 2).shape[1] == 1
    )


@settings(max_examples=30, deadline=None)
@given(k_out=st.integers(0, 10), k_in=st.integers(0, 10), more=st.integers(1, 6), seed=st.integers(0, 9999))
def test_old_columns_stay_to_one_unit_in_the_last_place(k_out: int, k_in: int, more: int, seed: int) -> None:
    basis = basis_of(40, 30, k_out, k_in, seed)
    noise = gaussian(generator(seed))(PATHS[0], basis, more, more)
    wide = widened(
        basis, (orthogonal_to(basis.out, noise[0], more), orthogonal_to(basis.into, noise[1], more))
    )
    assert wide.core_shape == (k_out + more, k_in + more)
    assert torch.equal(wide.stored_out[:, :k_out], basis.stored_out)
    assert torch.equal(wide.stored_into[:, :k_in], basis.stored_into)
    assert float((wide.out[:, :k_out] - basis.out).abs().max() if k_out else 0.0) <= ULP
    assert float((wide.into[:, :k_in] - basis.into).abs().max() if k_in else 0.0) <= ULP


def test_a_floor_leaves_styles_what_they_are() -> None:
    subspace, styles = fitted([*family("abc"), stranger("own", seed=50)], retain=0.9)
    work = with_floor(subspace, SHAPES, 12, gaussian(generator()))
    assert [(one.done, one.total, one.module) for one in work] == [(1, 2, PATHS[0]), (2, 2, PATHS[1])]
    wide = drain(with_floor(subspace, SHAPES, 12, gaussian(generator())))
    assert all(basis.core_shape == (12, 12) for basis in wide.bases.values())
    assert wide.hash != subspace.hash
    for style in styles.values():
        moved = padded(style, subspace, wide)
        for path, core in style.cores.items():
            k_out, k_in = core.shape
            assert torch.equal(moved.cores[path][:k_out, :k_in], core)
            assert float(moved.cores[path].norm()) == pytest.approx(float(core.norm()))
        assert distance(dense(wide, moved), dense(subspace, style)) < 1e-6
        assert moved.trigger_words == style.trigger_words


def test_int8_columns_and_cores_read_from_disk_stay_as_they_are(tmp_path: Path) -> None:
    subspace, styles = fitted([*family("abc"), stranger("own", seed=50)], 0.9, Numbers.INT8)
    save_style(styles["a"], subspace, tmp_path / "a.safetensors")
    read = load_style(tmp_path / "a.safetensors", subspace)
    wide = drain(with_floor(subspace, {}, 12, gaussian(generator())))
    assert all(basis.numbers is Numbers.INT8 for basis in wide.bases.values())
    for path, basis in subspace.bases.items():
        k_out, k_in = basis.core_shape
        assert float((wide.bases[path].out[:, :k_out] - basis.out).abs().max()) <= ULP
        assert float((wide.bases[path].into[:, :k_in] - basis.into).abs().max()) <= ULP
    save_style(padded(read, subspace, wide), wide, tmp_path / "wide.safetensors")
    again = load_style(tmp_path / "wide.safetensors", wide)
    for path, core in read.cores.items():
        assert torch.equal(again.cores[path][: core.shape[0], : core.shape[1]], core)
        assert int(again.cores[path].count_nonzero()) == int(core.count_nonzero())
    assert distance(dense(wide, again), dense(subspace, read)) < 1e-6


def test_a_floor_gives_modules_that_were_missing_and_no_more_columns_than_there_are_rows() -> None:
    wide = drain(with_floor(Subspace({}, "layout", {}, 1.0), {PATHS[0]: (3, 32)}, 8, gaussian(generator())))
    assert wide.bases[PATHS[0]].core_shape == (3, 8)
    again = drain(with_floor(wide, {}, 8, gaussian(generator(1))))
    assert again.bases[PATHS[0]] is wide.bases[PATHS[0]]
    with pytest.raises(InvalidRequestError, match="at least 1"):
        drain(with_floor(wide, {}, 0, gaussian(generator())))


def test_gaussian_columns_have_no_common_direction() -> None:
    """Columns from `rand` have a cosine of 0.87 with the vector of ones; those from `randn` only chance's."""
    out, _ = gaussian(generator())(PATHS[0], empty_basis(400, 10), 50, 1)
    ones = torch.ones(400) / 20.0
    assert float((ones @ out / out.norm(dim=0)).abs().mean()) < 0.1


@pytest.mark.parametrize("low_rank", [False, True])
def test_gradient_columns_are_the_leading_singular_vectors_outside(low_rank: bool) -> None:
    basis = basis_of(40, 32, 4, 3)
    left, right = torch.linalg.qr(draw(40, 6, seed=1))[0], torch.linalg.qr(draw(32, 6, seed=2))[0]
    factors = LoRALayer(left * 2.0 ** -torch.arange(6), right.mT.contiguous())
    matrix = factors.up @ factors.down
    out, into = gradient_driven({PATHS[0]: factors if low_rank else matrix}, generator())(
        PATHS[0], basis, 3, 2
    )
    outside = (
        (torch.eye(40) - basis.out @ basis.out.mT) @ matrix @ (torch.eye(32) - basis.into @ basis.into.mT)
    )
    u, _, vt = torch.linalg.svd(outside)
    torch.testing.assert_close((u[:, :3].mT @ out).abs(), torch.eye(3), rtol=0, atol=1e-3)
    torch.testing.assert_close((vt[:2] @ into).abs(), torch.eye(2), rtol=0, atol=1e-3)


def test_weight_columns_hold_nearly_all_that_any_could_of_a_flat_spectrum() -> None:
    weight, basis = draw(120, 90, seed=3), basis_of(120, 90, 5, 5)
    out, into = weight_driven(lambda _: weight, generator())(PATHS[0], basis, 8, 8)
    outside = weight - basis.out @ (basis.out.mT @ weight)
    outside = outside - outside @ basis.into @ basis.into.mT
    best = float(torch.linalg.svdvals(outside)[:8].square().sum())
    assert float((out.mT @ outside).square().sum()) > 0.98 * best
    assert float((outside @ into).square().sum()) > 0.98 * best


def test_what_one_source_lacks_the_next_fills_up() -> None:
    basis = basis_of(40, 32, 4, 3)
    thin = LoRALayer(draw(40, 1, seed=1), draw(1, 32, seed=2))
    alone = gradient_driven({PATHS[0]: thin}, generator())
    start = Subspace({PATHS[0]: basis, PATHS[1]: basis_of(24, 48, 2, 2)}, "layout", {}, 1.0)
    assert drain(with_floor(start, {}, 7, alone)).bases[PATHS[0]].core_shape == (5, 4)
    assert drain(with_floor(start, {}, 7, alone)).bases[PATHS[1]].core_shape == (2, 2)
    wide = drain(with_floor(start, {}, 7, first_of(alone, gaussian(generator(1)))))
    assert {basis.core_shape for basis in wide.bases.values()} == {(7, 7)}
    seen = wide.bases[PATHS[0]].out.mT @ thin.up
    assert float(seen.square().sum()) == pytest.approx(float(thin.up.square().sum()), rel=1e-3)


def test_a_style_of_other_columns_cannot_be_padded() -> None:
    subspace, styles = fitted(family("ab"))
    other, _ = fitted(family("cd", seed=300))
    with pytest.raises(SubspaceMismatchError, match="migrate a instead"):
        padded(styles["a"], subspace, other)
    with pytest.raises(SubspaceMismatchError, match="a belongs to subspace"):
        padded(replace(styles["a"], subspace=other.hash), subspace, other)
