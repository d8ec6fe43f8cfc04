"""Contenders of `training_full_size`: what learns, a question, and steps that are timed."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

import torch
from peft import LoraConfig
from torch import Tensor, nn

from eigenlorax.module_path import Component, ModulePath
from eigenlorax.runtime.graph import Recorder
from eigenlorax.runtime.hardware import (
    peak_bytes,
    peak_reserved_bytes,
    release_cache,
    restart_peak,
    synchronize,
)
from eigenlorax.runtime.live import LiveInjection, StackedUpdate
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.training.predictor import Predictor, Updates
from eigenlorax.training.recorded import summed
from eigenlorax.training.shown import Posed
from eigenlorax.training.student import Student

RANK, WARM_UPS, STEPS = 32, 3, 10
#: fp16 is what a style and a LoRA are kept in.
KEPT_BYTES = 2


@dataclass(frozen=True)
class Row:
    """One contender.

    Attributes:
        numbers: How many learn.
        kept_bytes: Of what is kept, in fp16.
        optimiser_bytes: Of Adam's moments.
        step_ms: Median; None where memory ran out.
        peak, reserved: Most bytes that tensors held, and that torch held; None without a card.
        skipped: Steps that the GradScaler left out, whose optimiser costs nothing.
        plan: How the model lay.
    """

    name: str
    numbers: int
    kept_bytes: int
    optimiser_bytes: int = 0
    step_ms: float | None = None
    peak: int | None = None
    reserved: int | None = None
    skipped: int = 0
    plan: str = ""


def modules_of(base: BaseModel) -> list[ModulePath]:
    """The Linear modules of the UNet's attention blocks."""
    return [
        path
        for path, module in base.modules.items()
        if path.component is Component.UNET and isinstance(module, nn.Linear) and "attentions" in path.name
    ]


def question(base: BaseModel, device: torch.device, size: int) -> Posed:
    """One picture at one timestep."""
    config, chance = base.pipeline.unet.config, torch.Generator().manual_seed(0)
    projection, dtype = base.pipeline.text_encoder_2.config.projection_dim, base.pipeline.unet.dtype
    edge = size // base.pipeline.vae_scale_factor

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=chance).to(device)

    return Posed(
        draw(1, 4, edge, edge), torch.tensor([500], device=device), draw(1, 4, edge, edge),
        torch.ones(1, device=device), draw(1, 77, config.cross_attention_dim).to(dtype),
        draw(1, projection).to(dtype), torch.tensor([[size, size, 0, 0, size, size]]).to(device, dtype),
    )  # fmt: skip


def cores_of(base: BaseModel, paths: Sequence[ModulePath], columns: int, device: torch.device) -> Student:
    """A student of one style in random orthonormal columns."""
    dtype, chance = base.pipeline.unet.dtype, torch.Generator().manual_seed(1)
    known: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}
    updates: dict[ModulePath, StackedUpdate] = {}
    for path in paths:
        out, into = base.layout[path].matrix
        if (out, into) not in known:
            known[out, into] = tuple(
                torch.linalg.qr(torch.randn(rows, columns, generator=chance))[0] for rows in (out, into)
            )
        # A copy for each module, as in a subspace; what is shared between them would cost less memory.
        left, right = (side.to(device, dtype, copy=True) for side in known[out, into])
        updates[path] = StackedUpdate(
            left, right, torch.zeros(1, columns, columns, device=device),
            torch.zeros(out, 0, device=device), torch.zeros(0, into, device=device),
            torch.zeros(0, dtype=torch.long, device=device),
        )  # fmt: skip
    scale = torch.full((1, columns, columns), 1e-3, device=device)
    return Student(updates, {(path, "cores"): scale for path in paths})


def measured(
    row: Row,
    device: torch.device,
    parameters: Sequence[nn.Parameter],
    loss: Callable[..., Tensor],
    asked: Posed,
    recorder: Recorder | None,
    *,
    half: bool,
) -> Row:
    """Steps as `descend` makes them, timed one by one."""
    optimizer = torch.optim.AdamW(parameters, lr=1e-4)
    scaler = torch.amp.GradScaler(device.type, enabled=half, init_scale=1024.0)
    slope = summed(loss, lambda _: [tuple(asked)], parameters, recorder)
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    restart_peak(device)
    times, skipped = [], 0
    for step in range(WARM_UPS + STEPS):
        synchronize(device)
        started, scale = time.perf_counter(), scaler.get_scale()
        optimizer.zero_grad(set_to_none=False)
        slope(step, scaler)
        scaler.step(optimizer)
        scaler.update()
        synchronize(device)
        times.append((time.perf_counter() - started) * 1000.0)
        skipped += scaler.get_scale() < scale
    moments = [
        m for state in optimizer.state.values() for m in state.values() if torch.is_tensor(m) and m.dim()
    ]
    for parameter in parameters:
        parameter.grad = None
    return replace(
        row, optimiser_bytes=sum(m.nbytes for m in moments), step_ms=statistics.median(times[WARM_UPS:]),
        peak=peak_bytes(device), reserved=peak_reserved_bytes(device), skipped=skipped,
    )  # fmt: skip


def tried(row: Row, device: torch.device, run: Callable[[], Row]) -> Row:
    """The row measured, or as it is where memory runs out."""
    release_cache(device)
    try:
        return run()
    except torch.OutOfMemoryError:
        return row
    finally:
        release_cache(device)


@contextmanager
def asking(base: BaseModel, device: torch.device, size: int) -> Iterator[Predictor]:
    """The base, injected, its activations computed again."""
    with LiveInjection(base.modules) as live:
        predictor = Predictor(base.pipeline, live, size)
        predictor.device = device
        with predictor.sparing():
            yield predictor


def ours(
    base: BaseModel, device: torch.device, size: int, columns: int, recorder: Recorder | None, name: str
) -> Row:
    """Coefficients in columns."""
    paths = modules_of(base)
    count = columns * columns * len(paths)
    row, half = Row(name, count, KEPT_BYTES * count), base.pipeline.unet.dtype is torch.float16

    def run() -> Row:
        student, asked = cores_of(base, paths, columns, device), question(base, device, size)
        one = torch.ones(1, 1, device=device)
        with asking(base, device, size) as predictor:

            def loss(*inputs: Tensor) -> Tensor:
                return Posed(*inputs).squared_errors(predictor, student.updates(), one).mean()

            return measured(row, device, student.parameters(), loss, asked, recorder, half=half)

    return tried(row, device, run)


def lora(base: BaseModel, device: torch.device, size: int, recorder: Recorder | None, name: str) -> Row:
    """PEFT's LoRA on the same modules."""
    paths, unet = modules_of(base), base.pipeline.unet
    count = sum(RANK * sum(base.layout[path].matrix) for path in paths)
    row, dtype = Row(name, count, KEPT_BYTES * count), unet.dtype

    def run() -> Row:
        nothing: Updates = {}
        unet.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=[path.name for path in paths]))
        try:
            factors = [one for one in unet.parameters() if one.requires_grad]
            assert sum(one.numel() for one in factors) == count
            for one in factors:
                one.data = one.data.to(device, torch.float32)
            asked = question(base, device, size)
            with asking(base, device, size) as predictor:

                def loss(*inputs: Tensor) -> Tensor:
                    # autocast's cache would keep a second copy of every factor, and cannot be recorded.
                    half = dtype is not torch.float32
                    with torch.autocast(device.type, dtype, cache_enabled=False) if half else nullcontext():
                        return Posed(*inputs).squared_errors(predictor, nothing, torch.ones(1, 0)).mean()

                scaled = dtype is torch.float16
                return measured(row, device, factors, loss, asked, recorder, half=scaled)
        finally:
            unet.unload_lora()

    return tried(row, device, run)
