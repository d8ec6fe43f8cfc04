"""A picture of 1024x1024 with ten styles on cards of 8 to 24 GB: what is chosen, predicted, measured.

    python -m tests.benchmarks.small_cards [--caps 8 12 16 24] [--loras 20] [--json FILE]

Needs CUDA. Full-size SDXL in fp16 with random weights and the 18-fold store of tests.benchmarks.runtime, drawn
through the app's own easel; torch gives the process no more memory than a card of that size would.
"""

import argparse
import json
import time
from pathlib import Path
from threading import Lock

import torch

from eigenlorax.easel import Easel
from eigenlorax.events import drain
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.engine import Engine
from eigenlorax.runtime.graph import CudaRecorder
from eigenlorax.runtime.hardware import Hardware, capped, peak_reserved_bytes, release_cache, restart_peak
from eigenlorax.runtime.plan import GIB
from eigenlorax.runtime.sdxl import base_of, place
from eigenlorax.runtime.variant import Variant
from tests.benchmarks.full_size import random_pipeline
from tests.benchmarks.full_size_store import CUDA, store

STEPS = 8


def main() -> None:
    """Draw at each cap, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--caps", type=float, nargs="+", default=[8, 12, 16, 24])
    parser.add_argument("--loras", type=int, default=20)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    subspace, styles, _ = store(given.loras)
    pipeline = random_pipeline(CUDA, torch.float16).to("cpu", silence_dtype_warnings=True)
    request = GenerationRequest(
        "a cat", steps=STEPS, width=1024, height=1024, styles=dict.fromkeys(list(styles)[:10], 0.3)
    )
    hardware, rows = Hardware(CUDA, torch.float16, torch.cuda.get_device_name()), []
    for cap in given.caps:
        release_cache(CUDA)
        with capped(CUDA, int(cap * GIB)):
            base = base_of(pipeline, "SDXL", Variant(), hardware)
            place(base)
            engine = Engine(base, recorder=CudaRecorder())
            easel = Easel(engine, Lock(), lambda: (subspace, styles))
            drain(easel.styled(request))  # the first picture records and brings styles in
            restart_peak(CUDA)
            started = time.perf_counter()
            drawn = drain(easel.styled(request))
            seconds = time.perf_counter() - started
            row = {
                "cap_gib": cap,
                "placement": drawn.plan.placement.value,
                "tiling": drawn.plan.tiling,
                "engine": drawn.mode.value,
                "predicted_gib": drawn.plan.peaks.highest / GIB,
                "peak_gib": (peak_reserved_bytes(CUDA) or 0) / GIB,
                "style_gib": engine.nbytes / GIB,
                "seconds": seconds,
            }
            engine.wear_nothing()
            base.placed.release()
            del engine, easel
        rows.append(row)
        print(
            f"{cap:5.0f} GiB: {row['placement']}, {row['engine']}, tiles {row['tiling']}; predicted "
            f"{row['predicted_gib']:.2f}, measured {row['peak_gib']:.2f} GiB (styles {row['style_gib']:.2f}); "
            f"{seconds:.1f} s for {STEPS} steps",
            flush=True,
        )
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
