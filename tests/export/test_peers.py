"""An exported blend draws the same through diffusers 0.42.1 and peft 0.21.2 as through our own runtime."""

import random
from math import sqrt
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from peft import PeftModel
from torch import Tensor

from eigenlorax.export.exact import Exact, exact_blend, exact_lora
from eigenlorax.export.lora import LoRAExporter
from eigenlorax.export.request import LoRAExport
from eigenlorax.formats.dialect import Dialect, Precision
from eigenlorax.formats.read import LoRAReader
from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import Component, ModelLayout, ModulePath
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.generate import encode_prompt, predict_noise
from eigenlorax.runtime.inject import Injection
from eigenlorax.runtime.sdxl import BaseModel, load_base
from eigenlorax.showcase import drain
from eigenlorax.studio import DEMO_LORAS, DEMO_MODEL
from eigenlorax.subspace.fit import Goal, fit
from tests import tiny
from tests.conftest import CPU

REQUEST = GenerationRequest("a red apple", seed=1, steps=4, width=128, height=128)
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
    loras = [reader.open(DEMO_LORAS / f"{name}.safetensors") for name in ("neon", "chalk", "clay")]
    result = drain(fit(loras, {}, demo.layout_hash, Goal(retain=0.99)))
    styles = result.styles({lora.name: (lora.name,) for lora in loras})
    return exact_blend(result.subspace, styles, {"neon": 0.7, "chalk": 0.8})


@torch.inference_mode()
def _latents(pipeline: StableDiffusionXLPipeline) -> Tensor:
    """Four deterministic steps, float32."""
    prompt, scheduler = encode_prompt(pipeline, REQUEST), pipeline.scheduler
    scheduler.set_timesteps(REQUEST.steps)
    noise = torch.Generator().manual_seed(REQUEST.seed)
    latents = torch.randn((1, 4, 16, 16), generator=noise) * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        estimate = predict_noise(pipeline, REQUEST.guidance, prompt, latents, timestep)
        latents = scheduler.step(estimate, timestep, latents, return_dict=False)[0]
    return latents


@pytest.fixture(scope="module")
def drawn(demo: BaseModel, blend: Exact) -> tuple[Tensor, Tensor]:
    """Latents of our runtime: without the blend, and with it."""
    plain = _latents(demo.pipeline)
    with Injection(demo.parameters) as injection:
        injection.apply(blend.layers)
        return plain, _latents(demo.pipeline)


def _target(folder: Path, dialect: Dialect) -> Path:
    return folder / ("style" if dialect is Dialect.PEFT else "style.safetensors")


def _worn_by_peer(target: Path, dialect: Dialect) -> StableDiffusionXLPipeline:
    """A fresh pipeline that has the exported update in its weights, put there by the peer."""
    pipeline = load_base(str(DEMO_MODEL), CPU).pipeline
    if dialect is Dialect.PEFT:
        for component in Component:
            if (target / component.value).is_dir():
                owner = getattr(pipeline, component.value)
                adapted = PeftModel.from_pretrained(owner, str(target / component.value))
                setattr(pipeline, component.value, adapted.merge_and_unload())
    else:
        pipeline.load_lora_weights(str(target))
        pipeline.fuse_lora(components=[component.value for component in Component])
        pipeline.unload_lora_weights()
    return pipeline


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
    request = LoRAExport(_target(tmp_path, dialect), dialect=dialect, precision=Precision.FP32)
    result = LoRAExporter(demo, blend, request).write(reader)
    plain, ours = drawn
    theirs = _latents(_worn_by_peer(result.path, dialect))
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
    request = LoRAExport(_target(tmp_path, dialect), dialect=dialect, precision=Precision.FP32)
    pipeline = load_base(str(DEMO_MODEL), CPU).pipeline
    pipeline.load_lora_weights(str(LoRAExporter(demo, blend, request).write(reader).path))
    assert float((_latents(pipeline) - drawn[1]).abs().max()) < 1e-3


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
    request = LoRAExport(_target(tmp_path, dialect), dialect=dialect, precision=Precision.FP32)
    result = LoRAExporter(demo, exact_lora("x", layers, ()), request).write(reader)
    assert result.predicted.remark == ""
    theirs = _worn_by_peer(result.path, dialect)
    with Injection(demo.parameters) as injection:
        injection.apply(layers)
        for path in layers:
            modules = dict(getattr(theirs, path.component.value).named_modules())
            module = modules.get(path.name) or modules[path.name.removeprefix("text_model.")]
            torch.testing.assert_close(module.weight, demo.parameters[path], rtol=0.0, atol=1e-5)


def test_a_file_that_diffusers_will_refuse_is_told_before(tmp_path: Path, demo: BaseModel) -> None:
    layers = _everywhere(demo.layout, projection_rank=9)
    for dialect, words in ((Dialect.KOHYA_SGM, "text_projection has another rank"), (Dialect.DIFFUSERS, "")):
        request = LoRAExport(_target(tmp_path, dialect), dialect=dialect)
        assert words in LoRAExporter(demo, exact_lora("x", layers, ()), request).predict().remark
