"""Cores too short for int8 keep their numbers when their subspace grows, in memory and on disk."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from eigenlorax.library.style_file import load_style, save_style
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.subspace.basis import stored_basis
from eigenlorax.subspace.fidelity import Fidelity
from eigenlorax.subspace.kept_cores import KeptCores, keep_core, padded_cores
from eigenlorax.subspace.kept_residuals import KeptResiduals
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

PATH = ModulePath(Component.UNET, "mid")


@pytest.mark.parametrize("numbers", list(Numbers))
@pytest.mark.parametrize(
    ("before", "after", "rank"),
    [
        ((2, 2), (6, 6), 0),
        ((2, 1), (2, 5), 0),
        ((2, 40), (9, 44), 1),
        ((40, 2), (44, 9), 1),
        ((5, 5), (8, 8), 0),
    ],
)
def test_no_number_changes(
    tmp_path: Path, before: tuple[int, int], after: tuple[int, int], rank: int, numbers: Numbers
) -> None:
    chance = torch.Generator().manual_seed(4)
    out, into = (torch.linalg.qr(torch.randn(64, k, generator=chance))[0] for k in after)
    subspace = Subspace({PATH: stored_basis(out, into, numbers)}, "layout", {}, 1.0)
    core = torch.randn(before[0], rank or before[1], generator=chance)
    core = core @ torch.randn(rank, before[1], generator=chance) if rank else core
    small = KeptCores({PATH: keep_core(core, rank, numbers)})
    wide = padded_cores(small, {PATH: after})
    grown = torch.zeros(after)
    grown[: before[0], : before[1]] = small[PATH]
    assert torch.equal(wide[PATH], grown)
    style = Style("s", wide, subspace.hash, Fidelity(1.0, "", 1.0, 0, 0), residuals=KeptResiduals({}))
    save_style(style, subspace, tmp_path / "s.safetensors")
    back = load_style(tmp_path / "s.safetensors", subspace)
    assert torch.equal(back.cores[PATH], grown)
    again = padded_cores(back.cores, {PATH: (after[0] + 1, after[1] + 3)})
    assert torch.equal(again[PATH][: after[0], : after[1]], grown)
    save_style(replace(back, name="t"), subspace, tmp_path / "t.safetensors")
    assert torch.equal(load_style(tmp_path / "t.safetensors", subspace).cores[PATH], grown)
