"""Subspaces and styles come back from their files as they were; a file that lies is told."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from eigenlorax.errors import InvalidFileError, SubspaceMismatchError
from eigenlorax.events import drain
from eigenlorax.library.budget import header_bytes
from eigenlorax.library.files import load_style, load_subspace, moved, save_style, save_subspace
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspace.basis import Basis, empty_basis
from eigenlorax.subspace.fingerprint import Fingerprint
from eigenlorax.subspace.fit import Goal, fit
from eigenlorax.subspace.kept_cores import KeptCores, core_bytes
from eigenlorax.subspace.kept_residuals import KeptResiduals
from eigenlorax.subspace.numbers import Kept, Numbers, bytes_of, keep, numbers_of, parts, value
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from tests import tiny

EXTRA = ModulePath(Component.UNET, "one.more")
RANKS = {"a": 4, "b": 16, "c": 4, "d": 4}
PLACES = ("shapes", "ranks", "residual_ranks")


def _same(one: Kept, other: Kept) -> bool:
    return numbers_of(one) is numbers_of(other) and all(map(torch.equal, parts(one), parts(other)))


def test_subspace_round_trip_is_exact(tmp_path: Path, subspace: Subspace) -> None:
    save_subspace(subspace, tmp_path / "s.safetensors")
    back = load_subspace(tmp_path / "s.safetensors")
    assert back.hash == subspace.hash
    assert back.sources == subspace.sources
    for path, basis in subspace.bases.items():
        assert back.bases[path].numbers is basis.numbers
        assert torch.equal(back.bases[path].out, basis.out)
        assert torch.equal(back.bases[path].into, basis.into)


def test_one_input_basis_of_several_modules_is_stored_once(tmp_path: Path, subspace: Subspace) -> None:
    (first, basis), *_ = ((p, b) for p, b in subspace.bases.items() if b.core_shape[1])
    others = [p for p, b in subspace.bases.items() if b.stored_into.shape[0] == basis.stored_into.shape[0]]
    own, shared = (
        replace(
            subspace,
            bases={
                **subspace.bases,
                **{p: Basis(subspace.bases[p].stored_out, into()) for p in others if p != first},
            },
        )
        for into in (lambda: keep(value(basis.stored_into), basis.numbers), lambda: basis.stored_into)
    )
    for name, value_ in (("own", own), ("shared", shared)):
        save_subspace(value_, tmp_path / name)
    assert own.hash == shared.hash  # how it is packed changes nothing of what it is
    back = load_subspace(tmp_path / "shared")
    assert len({id(back.bases[p].stored_into) for p in others}) == 1
    once = bytes_of(*basis.stored_into.shape, basis.numbers)
    assert (tmp_path / "own").stat().st_size - (tmp_path / "shared").stat().st_size == pytest.approx(
        once * (len(others) - 1), abs=16
    )


def test_styles_come_back_bit_for_bit_and_know_their_size(
    tmp_path: Path, subspace: Subspace, styles: dict[str, Style]
) -> None:
    assert any(style.residuals for style in styles.values())
    assert any(core.numel() for style in styles.values() for core in style.cores.values())
    for name, style in styles.items():
        path = tmp_path / f"{name}.safetensors"
        save_style(style, subspace, path)
        back = load_style(path, subspace)
        fidelity = replace(style.fidelity, style_bytes=path.stat().st_size)
        bare = {"cores": KeptCores(), "residuals": KeptResiduals()}
        assert replace(back, **bare) == replace(style, **bare, fidelity=fidelity)
        assert set(back.residuals) == set(style.residuals)
        assert set(back.cores) == set(style.cores)
        for module, residual in style.residuals.kept.items():
            again = back.residuals.kept[module]
            assert _same(again.up, residual.up) and _same(again.down, residual.down)
        for module, core in style.cores.kept.items():
            same = [_same(a, b) for a, b in zip(back.cores.kept[module].parts, core.parts, strict=True)]
            assert back.cores.kept[module].rank == core.rank and all(same)
            assert torch.equal(back.cores[module], style.cores[module])


def test_nothing_is_rounded_a_second_time(
    tmp_path: Path, subspace: Subspace, styles: dict[str, Style]
) -> None:
    wide = replace(subspace, bases={**subspace.bases, EXTRA: empty_basis(4, 5, Numbers.INT8)})
    for style in styles.values():
        paths = [tmp_path / f"{number}.safetensors" for number in range(3)]
        save_style(style, subspace, paths[0])
        save_style(load_style(paths[0], subspace), subspace, paths[1])
        # An earlier style in a version with one more module: the same numbers, the module not touched.
        save_style(moved(load_style(paths[1], subspace), wide), wide, paths[2])
        first, second, third = (load_file(path) for path in paths)
        assert first.keys() == second.keys() == third.keys()
        assert all(torch.equal(tensor, second[key]) for key, tensor in first.items())
        assert all(torch.equal(first[key], third[key]) for key in first if "ranks" not in key)
        assert third["ranks"].tolist() == [*first["ranks"].tolist(), -1]


def test_new_residuals_of_an_opened_style_are_kept(
    tmp_path: Path, subspace: Subspace, styles: dict[str, Style]
) -> None:
    save_style(styles["b"], subspace, tmp_path / "b.safetensors")
    opened = load_style(tmp_path / "b.safetensors", subspace)
    assert opened.residuals
    save_style(replace(opened, residuals=KeptResiduals()), subspace, tmp_path / "b.safetensors")
    assert not load_style(tmp_path / "b.safetensors", subspace).residuals


def test_the_smaller_of_dense_and_factored_is_stored(
    tmp_path: Path, subspace: Subspace, styles: dict[str, Style]
) -> None:
    for name, style in styles.items():
        save_style(replace(style, residuals=KeptResiduals()), subspace, tmp_path / "x.safetensors")
        tensors = load_file(tmp_path / "x.safetensors")
        size = sum(
            tensor.numel() * tensor.element_size() for key, tensor in tensors.items() if key != "ranks"
        )
        assert size == sum(
            core_bytes(*basis.core_shape, RANKS[name], basis.numbers)
            for module, basis in subspace.bases.items()
        ), name


def test_the_bytes_of_a_budget_hold_all_headers(
    tmp_path: Path, subspace: Subspace, styles: dict[str, Style]
) -> None:
    norms = dict.fromkeys(subspace.bases, 1.23456e-10)
    save_subspace(replace(subspace, base=Fingerprint("Some base", norms)), tmp_path / "s.safetensors")
    for name, style in styles.items():
        save_style(style, subspace, tmp_path / f"{name}.safetensors")
    files = list(tmp_path.iterdir())
    tensors = [(key, t) for path in files for key, t in load_file(path).items()]
    numbers = sum(t.numel() * t.element_size() for key, t in tensors if key not in PLACES)
    headers = sum(path.stat().st_size for path in files) - numbers
    allowed = header_bytes(subspace.bases, len(styles))
    assert allowed / 2 < headers <= allowed


@pytest.mark.parametrize(
    "metadata",
    [{"fidelity": "3"}, {"fidelity": "{}"}, {"trigger_words": "3"}, {"notes": "["}, {"subspace": "other"}],
)
def test_a_style_whose_header_lies_is_told(
    tmp_path: Path, subspace: Subspace, styles: dict[str, Style], metadata: dict[str, str]
) -> None:
    path = tmp_path / "a.safetensors"
    save_style(styles["a"], subspace, path)
    with safe_open(path, framework="pt") as file:
        kept = file.metadata()
    save_file(load_file(path), path, {**kept, **metadata})
    with pytest.raises((InvalidFileError, SubspaceMismatchError)):
        load_style(path, subspace)


@pytest.mark.parametrize("name", ["ranks", "residual_ranks", "halves", "codes", "scales"])
def test_a_style_with_numbers_missing_is_told(
    tmp_path: Path, subspace: Subspace, styles: dict[str, Style], name: str
) -> None:
    path = tmp_path / "b.safetensors"
    save_style(styles["b"], subspace, path)
    with safe_open(path, framework="pt") as file:
        kept = file.metadata()
    tensors = load_file(path)
    if name not in tensors:
        return
    for changed in (tensors[name][:-1], torch.cat([tensors[name], tensors[name][:1]])):
        save_file({**tensors, name: changed.contiguous()}, path, kept)
        with pytest.raises(InvalidFileError, match="damaged"):
            load_style(path, subspace)


def test_what_was_left_out_and_what_became_of_a_style_is_kept(
    tmp_path: Path, subspace: Subspace, styles: dict[str, Style]
) -> None:
    bare, subspace = subspace, replace(subspace, excluded={"odd": "it shares nothing"})
    assert subspace.hash == bare.hash  # why the bases are as they are does not change them
    save_subspace(subspace, tmp_path / "s.safetensors")
    assert load_subspace(tmp_path / "s.safetensors").excluded == {"odd": "it shares nothing"}
    noted = replace(styles["a"], notes={"calibration": "30 steps"})
    save_style(noted, subspace, tmp_path / "a.safetensors")
    back = load_style(tmp_path / "a.safetensors", subspace)
    assert back.notes == {"calibration": "30 steps"}
    # A style that was opened keeps its numbers but may be given new words.
    save_style(replace(back, notes={"calibration": "60 steps"}), subspace, tmp_path / "a.safetensors")
    assert load_style(tmp_path / "a.safetensors", subspace).notes == {"calibration": "60 steps"}


def test_a_style_stays_in_its_own_subspace(
    tmp_path: Path, base: BaseModel, subspace: Subspace, styles: dict[str, Style]
) -> None:
    save_style(styles["a"], subspace, tmp_path / "a.safetensors")
    other = drain(
        fit(tiny.relatives(base.layout, "efg", 3, 9), {"e": 1}, base.layout_hash, Goal(retain=0.8))
    ).subspace
    with pytest.raises(SubspaceMismatchError, match=subspace.hash[:12]):
        load_style(tmp_path / "a.safetensors", other)


def test_a_damaged_subspace_is_refused(tmp_path: Path, subspace: Subspace) -> None:
    path = tmp_path / "s.safetensors"
    save_subspace(subspace, path)
    content = bytearray(path.read_bytes())
    content[-3] ^= 0x01
    path.write_bytes(bytes(content))
    with pytest.raises(InvalidFileError, match="damaged"):
        load_subspace(path)
