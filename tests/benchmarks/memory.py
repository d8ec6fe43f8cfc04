"""Peak memory of each phase and placement, against what the plan predicts: full-size SDXL on a CUDA card.

    python -m tests.benchmarks.memory --json out.json [--cap 8]

Random weights, made on the card from the configurations of assets/sdxl: memory does not depend on their values.
Prints a table, and the factors for `_ACTIVATION` in eigenlorax/runtime/plan.py. With --cap the card behaves as
one that gives this many GiB; a placement that does not fit is told as such.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import torch
from diffusers import StableDiffusionXLPipeline

from eigenlorax.runtime.hardware import (
    capped,
    detect,
    peak_bytes,
    peak_reserved_bytes,
    release_cache,
    restart_peak,
    synchronize,
)
from eigenlorax.runtime.options import Placement
from eigenlorax.runtime.placement import Placed
from eigenlorax.runtime.plan import GIB, Needs, Plan, ladder
from eigenlorax.runtime.sizes import ModelSize, size_of
from tests.benchmarks.full_size import random_pipeline

MIB = 2**20
PHASES = ("text", "unet", "vae")
#: Side in pixels, rows of the UNet; offloads are measured at the last.
CASES = ((768, 1), (768, 2), (1024, 1), (1024, 2))


@dataclass(frozen=True)
class Measured:
    """One phase of one plan.

    Attributes:
        placement, tiling, side, rows, phase: What was done.
        peak: Bytes that tensors held at most; None when memory ran out.
        reserved: Bytes that torch held at most, its gaps included.
        predicted: By the plan.
        seconds: Of a second run, transfers included.
    """

    placement: str
    tiling: bool
    side: int
    rows: int
    phase: str
    peak: int | None
    reserved: int | None
    predicted: int
    seconds: float | None


def runs(
    base: StableDiffusionXLPipeline, device: torch.device, side: int, rows: int
) -> Iterator[tuple[str, Callable[[], object]]]:
    """Each phase as a picture goes through it, by itself."""
    unet, vae = base.unet, base.vae
    chance = torch.Generator(device).manual_seed(0)
    latents = torch.randn(rows, 4, side // 8, side // 8, generator=chance, device=device, dtype=unet.dtype)
    tokens = torch.randn(
        rows, 77, unet.config.cross_attention_dim, generator=chance, device=device, dtype=unet.dtype
    )
    pooled = torch.randn(
        rows, base.text_encoder_2.config.projection_dim, generator=chance, device=device, dtype=unet.dtype
    )
    conditions = {"text_embeds": pooled, "time_ids": torch.ones(rows, 6, device=device, dtype=unet.dtype)}
    timestep = torch.tensor(500, device=device)
    yield "text", lambda: base.encode_prompt("a cat", device=device, do_classifier_free_guidance=rows > 1)
    yield (
        "unet",
        lambda: unet(latents, timestep, encoder_hidden_states=tokens, added_cond_kwargs=conditions).sample,
    )
    yield "vae", lambda: vae.decode(latents[:1].to(vae.dtype), return_dict=False)


@torch.inference_mode()
def measured(
    base: StableDiffusionXLPipeline, placed: Placed, plan: Plan, side: int, rows: int
) -> list[Measured]:
    """All phases of one plan, each from a card that holds what lies there between pictures; second runs count."""
    try:
        placed.take(plan)
    except torch.OutOfMemoryError:
        return [_told(plan, side, rows, phase, None, None, None) for phase in PHASES]
    device, found = placed.device, []
    for phase, run in runs(base, device, side, rows):
        try:
            for _ in range(2):
                placed.rest()
                release_cache(device)
                restart_peak(device)
                started = time.perf_counter()
                run()
                synchronize(device)
                seconds = time.perf_counter() - started
            found.append(
                _told(plan, side, rows, phase, peak_bytes(device), peak_reserved_bytes(device), seconds)
            )
        except torch.OutOfMemoryError:
            found.append(_told(plan, side, rows, phase, None, None, None))
    placed.rest()
    return found


def _told(
    plan: Plan,
    side: int,
    rows: int,
    phase: str,
    peak: int | None,
    reserved: int | None,
    seconds: float | None,
) -> Measured:
    predicted = getattr(plan.peaks, phase)
    return Measured(plan.placement.value, plan.tiling, side, rows, phase, peak, reserved, predicted, seconds)


def factors(size: ModelSize, found: Sequence[Measured]) -> dict[str, float]:
    """What `_ACTIVATION` should say: the least line over the peaks less the weights, all on the card.

    The UNet's slope is taken from rows 1 and 2 at one size, the VAE's from a whole and a tiled decode, so that
    what is fixed drops out; `fixed` is what is left then, at most.
    """
    on_card = {
        (m.phase, m.side, m.rows, m.tiling): m.peak - size.weights
        for m in found
        if m.placement == "gpu" and m.peak
    }
    unet_unit = {side: (side // size.scale) ** 2 * size.unet_values * size.unet_width for side in (768, 1024)}
    unet = max(
        (on_card["unet", side, 2, False] - on_card["unet", side, 1, False]) / unit
        for side, unit in unet_unit.items()
    )
    vae = max(
        on_card["vae", side, 1, False] / (side**2 * size.vae_values * size.vae_width) for side in unet_unit
    )
    left = [
        on_card["unet", side, rows, False] - rows * unet * unit
        for side, unit in unet_unit.items()
        for rows in (1, 2)
    ]
    return {
        "unet": round(unet, 3), "vae": round(vae, 3), "fixed_mib": round(max(left) / MIB),
        "text_mib": round(on_card["text", 1024, 2, False] / MIB),
        "vae_tiled_mib": round(on_card["vae", 1024, 1, True] / MIB),
    }  # fmt: skip


def _table(found: Sequence[Measured]) -> str:
    lines = [
        f"{'placement':<14} {'tiles':<5} {'side':>5} {'rows':>4} {'phase':<5} {'peak':>7} {'reserved':>8} {'predicted':>9}  GiB, seconds"
    ]
    for m in found:
        peak, reserved = (f"{value / GIB:.2f}" if value else "full" for value in (m.peak, m.reserved))
        seconds = f"{m.seconds:.2f}" if m.seconds else ""
        lines.append(
            f"{m.placement:<14} {'yes' if m.tiling else 'no':<5} {m.side:>5} {m.rows:>4} {m.phase:<5} {peak:>7} {reserved:>8} "
            f"{m.predicted / GIB:>9.2f}  {seconds}"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--cap", type=float, help="GiB that the card may give")
    args = parser.parse_args()
    hardware = detect()
    if hardware.device.type != "cuda":
        parser.error("needs a CUDA card")
    base = random_pipeline(hardware.device, torch.float16).to("cpu", silence_dtype_warnings=True)
    release_cache(hardware.device)
    size, most = size_of(base, "SDXL"), args.cap or 1024.0
    found: list[Measured] = []
    with capped(hardware.device, int(most * GIB)), Placed(base, hardware.device) as placed:
        for placement in (Placement.GPU, Placement.MODEL_OFFLOAD, Placement.SEQUENTIAL):
            for side, rows in CASES if placement is Placement.GPU else CASES[-1:]:
                for plan in ladder(size, Needs(side, side, guided=rows == 2), int(most * GIB)):
                    if plan.placement is placement:
                        found += measured(base, placed, plan, side, rows)
    print(_table(found))
    report = {
        "device": hardware.name,
        "torch": torch.__version__,
        "cap_gib": args.cap,
        "size": asdict(size),
        "measured": [asdict(m) for m in found],
    }
    off = [m.peak / m.predicted for m in found if m.peak]
    print(f"measured over predicted: median {median(off):.2f}, highest {max(off):.2f}")
    if not args.cap:
        report["factors"] = factors(size, found)
        print(f"_ACTIVATION: {report['factors']}")
    args.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
