"""An exported blend draws the same through diffusers 0.42.1 and peft 0.21.2 as through our own runtime."""

import random
from math import sqrt
from pathlib import Path

import pytest
import torch
from torch import Tensor

from eigenlorax.export.exact import Exact, exact_lora
from eigenlorax.export.lora import LoRAExporter
from eigenlorax.export.request import LoRAExport
from eigenlorax.formats.dialect import Dialect
from eigenlorax.formats.read import LoRAReader
from eigenlorax.home import DEMO_MODEL
from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import Component, ModelLayout, ModulePath
from eigenlorax.runtime.inject import Injection
from eigenlorax.runtime.sdxl import BaseModel, load_base
from tests import tiny
from tests.conftest import CPU
from tests.export.peers import demo_blend, exported, latents_of, target_in, worn_by_peer

PEERS_WARN = pytest.mark.filterwarnings("ignore:.*:UserWarning", "ignore:.*:FutureWarning")


@pytest.fixture(scope="module")
def demo() -> BaseModel:
    return load_base(str(DEMO_MODEL), CPU)


@pytest.fixture(scope="module")
def reader(demo: BaseModel) -> LoRAReader:
    return tiny.reader(demo)


@pytest.fixture(scope="module")
def blend(demo: BaseModel, reader: LoRAReader) -> Exact:
    """Two shipped LoRAs; chalk changes both text encoders too."""
    return demo_blend(demo, reader)


@pytest.fixture(scope="module")
def drawn(demo: BaseModel, blend: Exact) -> tuple[Tensor, Tensor]:
    """Latents of our runtime: without the blend, and with it."""
    plain = latents_of(demo.pipeline)
    with Injection(demo.parameters) as injection:
        injection.apply(blend.layers)
        return plain, latents_of(demo.pipeline)


@PEERS_WARN
@pytest.mark.parametrize("dialect", Dialect)
def test_a_blend_draws_the_same_through_the_peer(
    tmp_path: Path,
    demo: BaseModel,
    reader: LoRAReader,
    blend: Exact,
    drawn: tuple[Tensor, Tensor],
    dialect: Dialect,
) -> None:
    result = exported(tmp_path, demo, reader, blend, dialect)
    plain, ours = drawn
    theirs = latents_of(worn_by_peer(result.path, dialect))
    assert float((ours - plain).abs().max()) > 1.0
    assert float((theirs - ours).abs().max()) < 1e-3
    assert result.error < 1e-6


@PEERS_WARN
@pytest.mark.parametrize("dialect", [Dialect.KOHYA_SGM, Dialect.DIFFUSERS])
def test_kept_on_the_fly_the_peer_draws_the_same_too(
    tmp_path: Path,
    demo: BaseModel,
    reader: LoRAReader,
    blend: Exact,
    drawn: tuple[Tensor, Tensor],
    dialect: Dialect,
) -> None:
    pipeline = load_base(str(DEMO_MODEL), CPU).pipeline
    pipeline.load_lora_weights(str(exported(tmp_path, demo, reader, blend, dialect).path))
    assert float((latents_of(pipeline) - drawn[1]).abs().max()) < 1e-3


def _everywhere(layout: ModelLayout, projection_rank: int) -> dict[ModulePath, LoRALayer]:
    """Mixed ranks on every linear and convolution there is."""
    draw, choose = torch.Generator().manual_seed(0), random.Random(0)
    layers = {}
    for path, shape in layout.items():
        if shape.is_vector:
            continue
        rows, columns = shape.matrix
        rank = min(choose.choice((4, 4, 6, 8)), rows, columns)
        if path.name == "text_projection":
            rank = projection_rank
        up = torch.randn(rows, rank, generator=draw) * 0.02 / sqrt(rank)
        layers[path] = LoRALayer(up, torch.randn(rank, columns, generator=draw) / sqrt(columns))
    return layers


@PEERS_WARN
@pytest.mark.parametrize("dialect", Dialect)
def test_every_module_at_mixed_ranks_gets_its_weight(
    tmp_path: Path, demo: BaseModel, reader: LoRAReader, dialect: Dialect
) -> None:
    layers = _everywhere(demo.layout, projection_rank=2)
    result = exported(tmp_path, demo, reader, exact_lora("x", layers, ()), dialect)
    assert result.predicted.remark == ""
    theirs = worn_by_peer(result.path, dialect)
    modules = {one: dict(getattr(theirs, one.value).named_modules()) for one in Component}
    with Injection(demo.parameters) as injection:
        injection.apply(layers)
        for path in layers:
            part = modules[path.component]
            module = part.get(path.name) or part[path.name.removeprefix("text_model.")]
            torch.testing.assert_close(module.weight, demo.parameters[path], rtol=0.0, atol=1e-5)


def test_a_file_that_diffusers_will_refuse_is_told_before(tmp_path: Path, demo: BaseModel) -> None:
    layers = _everywhere(demo.layout, projection_rank=9)
    for dialect, words in ((Dialect.KOHYA_SGM, "text_projection has another rank"), (Dialect.DIFFUSERS, "")):
        request = LoRAExport(target_in(tmp_path, dialect), dialect=dialect)
        assert words in LoRAExporter(demo, exact_lora("x", layers, ()), request).predict().remark
