"""Exported files against the runtime: how far the pictures and the weights are apart, by dialect and precision.

    python -m tests.benchmarks.exports [--json FILE]

A blend of two demo LoRAs (UNet and both text encoders) is exported, loaded by diffusers or peft into a fresh
pipeline, and drawn for four deterministic steps in float32, beside our own runtime wearing the same blend.
"""

import argparse
import json
import tempfile
import warnings
from itertools import product
from pathlib import Path

from eigenlorax.formats.dialect import Dialect, Precision
from eigenlorax.home import DEMO_MODEL
from eigenlorax.runtime.inject import Injection
from eigenlorax.runtime.sdxl import load_base
from tests import tiny
from tests.conftest import CPU
from tests.export.peers import demo_blend, exported, latents_of, worn_by_peer


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    demo = load_base(str(DEMO_MODEL), CPU)
    reader = tiny.reader(demo)
    blend = demo_blend(demo, reader)
    plain = latents_of(demo.pipeline)
    with Injection(demo.parameters) as injection:
        injection.apply(blend.layers)
        ours = latents_of(demo.pipeline)
    print(f"the blend itself moves the latents by up to {float((ours - plain).abs().max()):.2f}")
    rows = []
    for dialect, precision in product(Dialect, Precision):
        with tempfile.TemporaryDirectory() as folder:
            result = exported(Path(folder), demo, reader, blend, dialect, precision)
            theirs = latents_of(worn_by_peer(result.path, dialect))
        row = {
            "dialect": dialect.value, "precision": precision.value, "bytes": result.file_bytes,
            "latent_difference": float((theirs - ours).abs().max()),
            "predicted_error": result.predicted.error, "error": result.error,
        }  # fmt: skip
        rows.append(row)
        print(
            f"{dialect.value:16} {precision.value}  latents differ by {row['latent_difference']:.1e}  "
            f"weight error {result.error:.2e} (predicted {result.predicted.error:.2e})  {result.file_bytes:,} bytes",
            flush=True,
        )
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
