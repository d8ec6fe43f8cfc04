"""What the tests and the benchmark of exports share: a blend, its export, and the peers that load it."""

from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from peft import PeftModel
from torch import Tensor

from eigenlorax.events import drain
from eigenlorax.export.exact import Exact, exact_blend
from eigenlorax.export.lora import LoRAExporter
from eigenlorax.export.request import ExportResult, LoRAExport
from eigenlorax.formats.dialect import Dialect, Precision
from eigenlorax.formats.read import LoRAReader
from eigenlorax.home import DEMO_LORAS, DEMO_MODEL
from eigenlorax.module_path import Component
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.generate import encode_prompt, predict_noise
from eigenlorax.runtime.sdxl import BaseModel, load_base
from eigenlorax.subspace.fit import Goal, fit
from tests.conftest import CPU

REQUEST = GenerationRequest("a red apple", seed=1, steps=4, width=128, height=128)


def demo_blend(demo: BaseModel, reader: LoRAReader) -> Exact:
    """Two shipped LoRAs at different strengths; chalk changes both text encoders too."""
    loras = [reader.open(DEMO_LORAS / f"{name}.safetensors") for name in ("neon", "chalk", "clay")]
    result = drain(fit(loras, {}, demo.layout_hash, Goal(retain=0.99)))
    styles = result.styles({lora.name: (lora.name,) for lora in loras})
    return exact_blend(result.subspace, styles, {"neon": 0.7, "chalk": 0.8})


def exported(
    folder: Path,
    demo: BaseModel,
    reader: LoRAReader,
    exact: Exact,
    dialect: Dialect,
    precision: Precision = Precision.FP32,
) -> ExportResult:
    """The update written into the folder and read back."""
    request = LoRAExport(target_in(folder, dialect), dialect=dialect, precision=precision)
    return LoRAExporter(demo, exact, request).write(reader)


@torch.inference_mode()
def latents_of(pipeline: StableDiffusionXLPipeline) -> Tensor:
    """Four deterministic steps, float32."""
    prompt, scheduler = encode_prompt(pipeline, REQUEST), pipeline.scheduler
    scheduler.set_timesteps(REQUEST.steps)
    noise = torch.Generator().manual_seed(REQUEST.seed)
    latents = torch.randn((1, 4, 16, 16), generator=noise) * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        estimate = predict_noise(pipeline, REQUEST.guidance, prompt, latents, timestep)
        latents = scheduler.step(estimate, timestep, latents, return_dict=False)[0]
    return latents


def target_in(folder: Path, dialect: Dialect) -> Path:
    """Where an export of this dialect goes: PEFT's is a folder."""
    return folder / ("style" if dialect is Dialect.PEFT else "style.safetensors")


def worn_by_peer(target: Path, dialect: Dialect) -> StableDiffusionXLPipeline:
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
