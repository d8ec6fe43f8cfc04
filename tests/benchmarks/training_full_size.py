"""A training step of full-size SDXL: coefficients against PEFT's LoRA of rank 32, and the plan for a small card.

    python -m tests.benchmarks.training_full_size [--size 1024] [--dtype float16] [--cap 8] [--json FILE]
    python -m tests.benchmarks.training_full_size --tiny      (the same path in seconds, on any machine)

Random weights: speed and memory do not depend on their values. All Linear modules of the UNet's attention blocks
(722) learn, batch of 1, activations computed again, only the UNet on the card, the same question and the same loop
for everyone: `recorded.summed`, a GradScaler in fp16, AdamW. PEFT's factors are float32 under autocast, as in
diffusers' own scripts; ours are float32 cores between columns in the UNet's precision. "graph" is the step's
gradient as one CUDA graph, for both. Then, on a card that gives --cap GiB, each plan of `runtime.learning`, text
encoders and VAE asked first. Prints a table: medians of 10 steps after 3, peaks of the same steps.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path

import torch

from eigenlorax.runtime.graph import CudaRecorder
from eigenlorax.runtime.hardware import Hardware, capped, detect, processor, release_cache
from eigenlorax.runtime.learning import LearningNeeds, learning, learning_plans
from eigenlorax.runtime.plan import GIB, Plan
from eigenlorax.runtime.sdxl import BaseModel, base_of
from eigenlorax.runtime.variant import Variant
from tests import tiny
from tests.benchmarks.full_size import random_pipeline
from tests.benchmarks.full_size_steps import KEPT_BYTES, RANK, Row, lora, modules_of, ours, tried


def planned(base: BaseModel, size: int, columns: int, plans: Sequence[Plan]) -> list[Row]:
    """Coefficients as the program places the model, from the CPU and back."""
    found = []
    for plan in plans:
        name = f"plan: {plan.placement.value}{', UNet in 8 bits' if plan.narrow else ''}"

        def run(plan: Plan = plan, name: str = name) -> Row:
            with learning(base.placed, plan):
                words = "a picture"
                base.pipeline.encode_prompt(words, device=base.device, do_classifier_free_guidance=True)
                return ours(base, base.device, size, columns, None, name)

        count = columns * columns * len(modules_of(base))
        row = tried(Row(name, count, KEPT_BYTES * count), base.hardware.device, run)
        found.append(replace(row, plan=plan.sentence))
    return found


def table(rows: Sequence[Row]) -> str:
    """Everything measured, as text."""
    head = (
        f"{'':<40} {'numbers':>11} {'kept MB':>8} {'Adam MB':>8} {'step ms':>9} {'peak GB':>8} {'held GB':>8}"
    )
    lines = [head]
    for row in rows:
        step = f"{row.step_ms:.1f}" if row.step_ms is not None else "full"
        peak, held = (f"{value / 1e9:.2f}" if value else "" for value in (row.peak, row.reserved))
        lines.append(
            f"{row.name:<40} {row.numbers:>11,} {row.kept_bytes / 1e6:>8.2f} {row.optimiser_bytes / 1e6:>8.1f} "
            f"{step:>9} {peak:>8} {held:>8}{f'  {row.skipped} steps skipped' if row.skipped else ''}"
        )
    return "\n".join(lines)


def factor(base: BaseModel, row: Row, size: int, columns: int) -> float | None:
    """What `_STEP` in eigenlorax/runtime/learning.py should say, from our peak with the UNet alone."""
    if row.peak is None:
        return None
    width = base.pipeline.unet.dtype.itemsize
    sides = sum(columns * width * sum(base.layout[path].matrix) for path in modules_of(base))
    step = row.peak - base.size.unet - sides - 5 * 4 * row.numbers
    unit = (size // base.size.scale) ** 2 * base.size.unet_values * base.size.unet_width
    return step / unit


def compared(base: BaseModel, size: int, columns: Sequence[int]) -> tuple[list[Row], float | None]:
    """Both contenders, only the UNet on the device; the last of ours gives the factor."""
    device, pipeline = base.hardware.device, base.pipeline
    pipeline.unet.to(device)
    rows, found = [], None
    for recorder in (None, CudaRecorder) if device.type == "cuda" else (None,):
        how = "graph" if recorder else "eager"
        for count in columns:
            made = recorder() if recorder else None
            rows.append(ours(base, device, size, count, made, f"ours, {count} columns, {how}"))
            if recorder is None:
                found = factor(base, rows[-1], size, count)
        rows.append(lora(base, device, size, recorder() if recorder else None, f"PEFT LoRA r={RANK}, {how}"))
    pipeline.unet.to("cpu")
    release_cache(device)
    return rows, found


def made_base(hardware: Hardware, dtype: torch.dtype, *, small: bool) -> BaseModel:
    """A base of random weights, on the CPU."""
    if small:
        with tempfile.TemporaryDirectory() as folder:
            pipeline = tiny.pipeline(Path(folder)).to(dtype=dtype)
    else:
        pipeline = random_pipeline(hardware.device, dtype)
    pipeline.to("cpu", silence_dtype_warnings=True)
    release_cache(hardware.device)
    return base_of(pipeline, "random SDXL", Variant(), hardware)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--dtype", default="float16", choices=["float16", "bfloat16", "float32"])
    parser.add_argument("--columns", type=int, nargs="+", default=[16, 32])
    parser.add_argument("--cap", type=float, default=8.0, help="GiB that the small card gives")
    parser.add_argument("--tiny", action="store_true", help="a tiny model on the CPU, for a test of the path")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    hardware = processor() if given.tiny else detect()
    if hardware.device.type != "cuda" and not given.tiny:
        parser.error("needs a CUDA card; --tiny does not")
    base = made_base(hardware, getattr(torch, given.dtype), small=given.tiny)
    rows, step = compared(base, given.size, given.columns)
    print(table(rows), flush=True)
    most = int(given.cap * GIB)
    plans = learning_plans(base.size, LearningNeeds(given.size, 1), most)
    with nullcontext() if given.tiny else capped(hardware.device, most):
        small = planned(base, given.size, given.columns[-1], plans[1:] if not given.tiny else plans)
    print(f"\non a card that gives {given.cap:g} GiB\n{table(small)}")
    if step is not None:
        print(f"\n_STEP: {step:.2f}")
    if given.json:
        report = {
            "device": hardware.name, "torch": torch.__version__, "dtype": given.dtype, "size": given.size,
            "modules": len(modules_of(base)), "rows": [asdict(row) for row in rows],
            "cap_gib": given.cap, "capped": [asdict(row) for row in small], "step_factor": step,
        }  # fmt: skip
        given.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
