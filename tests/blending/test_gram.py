"""Inner products of updates against dense matrices."""

from dataclasses import replace

import pytest
import torch

from eigenlorax.blending.gram import Grams, cosines, grams
from eigenlorax.dials import REGIONS, Dials, Region, region_of
from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.basis import stored_basis
from eigenlorax.subspace.kept_cores import KeptCores, keep_core
from eigenlorax.subspace.kept_residuals import KeptResiduals, keep_residual
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.subspace import Subspace
from tests.blending.cases import IMPORTANCE, collection, vector, vectors
from tests.subspace.small import PATHS, SHAPES, dense, draw


def close(found: torch.Tensor, exact: torch.Tensor) -> None:
    assert torch.allclose(found, exact, rtol=1e-5, atol=1e-5 * float(exact.abs().max()))


def test_inner_products_are_those_of_the_dense_updates() -> None:
    dense_rows = torch.stack(list(vectors().values()))
    close(grams(*collection(), IMPORTANCE).total, dense_rows @ dense_rows.mT)


def test_private_ranks_that_reach_into_the_bases_count_in_full() -> None:
    """The formula does not lean on residuals being orthogonal to the bases: here they are anything."""
    subspace, styles = collection()
    wild = {
        name: replace(
            style,
            residuals=KeptResiduals({
                p: keep_residual(LoRALayer(draw(r, 2, seed=n), draw(2, c, seed=n + 50)), Numbers.FP16)
                for p, (r, c) in SHAPES.items()
            }),
        )
        for n, (name, style) in enumerate(styles.items())
    }  # fmt: skip
    rows = torch.stack([vector(dense(subspace, style)) for style in wild.values()])
    close(grams(subspace, wild, IMPORTANCE).total, rows @ rows.mT)


def test_parts_are_the_regions_of_the_model_and_sum_up() -> None:
    names = ("down_blocks.0.x", "up_blocks.0.attentions.0.x", "up_blocks.0.attentions.1.x", "up_blocks.2.x")
    paths = [ModulePath(PATHS[0].component, name) for name in names]
    basis = stored_basis(torch.eye(6)[:, :3], torch.eye(5)[:, :3], Numbers.FP16)
    subspace = Subspace(dict.fromkeys(paths, basis), "layout", {}, 1.0)
    cores = {n: {p: draw(3, 3, seed=9 * n + i).half().float() for i, p in enumerate(paths)} for n in range(3)}
    style = collection()[1]["a"]
    styles = {
        str(n): replace(
            style,
            name=str(n),
            cores=KeptCores({p: keep_core(m, 0, Numbers.FP16) for p, m in own.items()}),
            residuals=KeptResiduals(),
        )
        for n, own in cores.items()
    }
    found = grams(subspace, styles, dict.fromkeys(paths, 2.0))
    assert set(found.parts) == set(REGIONS)
    for path in paths:
        rows = torch.stack([cores[n][path].double().flatten() for n in range(3)])
        close(found.parts[region_of(path)], 2.0 * rows @ rows.mT)
    assert not found.parts[Region.TEXT_ENCODER].any()
    close(found.total, torch.stack(list(found.parts.values())).sum(0))


def test_dials_scale_each_region() -> None:
    table = torch.tensor([[4.0, 1.0], [1.0, 9.0]], dtype=torch.float64)
    one = Grams(("a", "b"), {region: table.clone() for region in REGIONS})
    found = one.dialled({"a": Dials(unet=0.5, detail=2.0, text_encoder=0.0, curve=((0.0, 0.0), (1.0, 1.0)))})
    assert found.parts[Region.STYLE].tolist() == [[1.0, 0.5], [0.5, 9.0]]
    assert found.parts[Region.DETAIL].tolist() == table.tolist()
    assert found.parts[Region.TEXT_ENCODER].tolist() == [[0.0, 0.0], [0.0, 9.0]]
    assert found.parts[Region.TEXT_ENCODER_2].tolist() == table.tolist()


def test_cosines_know_of_styles_that_do_nothing() -> None:
    table = torch.tensor([[4.0, -2.0, 0.0], [-2.0, 4.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
    assert cosines(table).tolist() == [[1.0, -0.5, 0.0], [-0.5, 1.0, 0.0], [0.0, 0.0, 1.0]]


def test_some_of_the_styles_in_another_order() -> None:
    found = grams(*collection(), IMPORTANCE)
    some = found.of(["x", "a"])
    assert some.names == ("x", "a")
    assert float(some.total[0, 1]) == pytest.approx(float(found.total[4, 0]))
