"""Weight error and picture distance against bytes, side by side in one run.

    python -m tests.benchmarks.compression [--pictures] [--json FILE] [--plot FILE.html]

Methods, all in fp16 numbers of equal bytes: ours (shared columns, cores and private ranks, allocated over all
modules and styles; "by weight" minimises the weight error, "by effect" weighs each module as the app does) beside
those of peers.py and diagonalisation.py.

Collections: the demo LoRAs (own seeds), and synthetic ones of full-size SDXL modules with 0, 30 and 80% of their
energy in one common subspace of 16 columns, each with own seeds and with one seed for all down matrices, which
flatters whatever shares. Bytes are those of the numbers; every method would need the same names beside them.
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from eigenlorax.events import drain
from eigenlorax.formats.read import LoRAReader
from eigenlorax.home import DEMO_LORAS, DEMO_MODEL
from eigenlorax.library.effects import FILE_NAME, load_effects
from eigenlorax.lora import LoRA, LoRALayer, joined
from eigenlorax.module_path import ModulePath
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.engine import Engine
from eigenlorax.runtime.generate import denoise
from eigenlorax.runtime.hardware import detect
from eigenlorax.runtime.inject import Injection
from eigenlorax.runtime.sdxl import BaseModel, load_base
from eigenlorax.subspace.basis import reconstruct
from eigenlorax.subspace.fit import Goal, fit
from tests.benchmarks import peers
from tests.benchmarks.approximation import Approximation, Method, error, synthetic, whole_bytes
from tests.benchmarks.diagonalisation import joint_dense, joint_diagonal
from tests.benchmarks.plots import page

RATIOS = (3.0, 6.0, 12.0, 18.0, 36.0)
#: Ours may be this much above the best peer before the table says so.
MARGIN = 1.01


def ours(importance: Mapping[ModulePath, float] | None) -> Method:
    """Allocation between shared columns and private ranks."""

    def run(loras: Sequence[LoRA], budget: int) -> tuple[Approximation, int]:
        result = drain(fit(loras, {}, "", Goal(number_bytes=budget), importance))
        size = sum(2 * (b.out.numel() + b.into.numel()) for b in result.subspace.bases.values())
        made: Approximation = {}
        for name, projection in result.projections.items():
            made[name] = {}
            for path, core in projection.cores.items():
                size += projection.cores.kept[path].nbytes
                layers = [reconstruct(core, result.subspace.bases[path])]
                if residual := projection.residuals.kept.get(path):
                    size += residual.nbytes
                    layers.append(residual.layer)
                made[name][path] = joined(layers)
        return made, size

    return run


class Pictures:
    """Distance between pictures drawn with the LoRAs themselves and with what is kept of them."""

    def __init__(self, base: BaseModel, loras: Sequence[LoRA]) -> None:
        self._base = base
        self._loras = loras
        self._true = {
            lora.name: self._draw(lora.name, {p: lora.layers[p] for p in lora.layers}) for lora in loras
        }

    def _draw(self, name: str, layers: Mapping[ModulePath, LoRALayer]) -> Tensor:
        request = GenerationRequest(
            f"a sailboat, {name.replace('-', ' ')} style", seed=3, steps=12, width=128, height=128
        )
        with Injection(self._base.parameters) as injection:
            injection.apply(layers)
            picture = drain(denoise(self._base.pipeline, request))
        return torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).float()

    def distance(self, made: Approximation) -> float:
        """Mean over LoRAs of the root mean square difference, in steps of 255."""
        return sum(
            float((self._draw(n, made[n]) - true).square().mean().sqrt()) for n, true in self._true.items()
        ) / len(self._true)


def table(
    title: str, loras: Sequence[LoRA], methods: Mapping[str, Method], pictures: "Pictures | None"
) -> list[dict[str, Any]]:
    """Every method at every budget, printed as it comes; tells where ours is not the best within the margin."""
    rows: list[dict[str, Any]] = []
    for ratio in RATIOS:
        budget = int(whole_bytes(loras) / ratio)
        here = []
        for name, method in methods.items():
            started = time.perf_counter()
            try:
                made, size = method(loras, budget)
            except ValueError as problem:  # a package of others that does not take such LoRAs
                print(f"{title:32} {ratio:4.0f}x {name:22} cannot: {problem}")
                continue
            row = {"collection": title, "ratio": ratio, "method": name, "bytes": size, "fits": size <= budget,
                   "seconds": time.perf_counter() - started, "error": error(loras, made)}  # fmt: skip
            if pictures:
                row["picture_distance"] = pictures.distance(made)
            here.append(row)
            drawn = f"  pictures {row['picture_distance']:6.2f}" if pictures else ""
            told = "" if row["fits"] else "  (does not get this small)"
            print(
                f"{title:32} {ratio:4.0f}x {name:22} {size:>11,} B  error {row['error']:.4f}{drawn}  "
                f"{row['seconds']:.1f} s{told}",
                flush=True,
            )
        mine = next(row["error"] for row in here if row["method"] == "ours, by weight")
        best = min(
            (row for row in here if row["fits"] and not row["method"].startswith("ours")),
            key=lambda row: row["error"],
        )
        verdict = "holds" if mine <= MARGIN * best["error"] else "BROKEN"
        print(
            f"{title:32} {ratio:4.0f}x bar {verdict}: ours / best peer ({best['method']}) = {mine / best['error']:.3f}"
        )
        rows += here
    return rows


def main() -> None:
    """Measure, print a table, write JSON and a page of plots."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", action="store_true", help="draw pictures for the demo LoRAs too")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path, help="an HTML page of charts")
    parser.add_argument("--synthetic", action="store_true", help="leave out the demo LoRAs")
    given = parser.parse_args()
    base = load_base(str(DEMO_MODEL), detect())
    engine = Engine(base)
    engine.facts.learn_effects(load_effects(DEMO_MODEL / FILE_NAME))
    reader = LoRAReader(base.layout, engine.facts.pristine)
    demo = [reader.open(path) for path in sorted(DEMO_LORAS.glob("*.safetensors"))]
    demo = [LoRA(lora.name, {path: lora.layers[path] for path in lora.layers}) for lora in demo]
    methods: dict[str, Method] = {
        "ours, by weight": ours(None),
        "each LoRA alone": peers.alone,
        "HOSVD, one quality": peers.one_quality,
        "paper": peers.paper,
        "joint diag., dense": joint_dense,
        "joint diag., diagonal": joint_diagonal,
        "flattened PCA": peers.flattened,
    }
    if peers.HAS_VLORA:
        methods["vlora-dev"] = peers.vlora
    else:
        print("vlora-dev is not installed: its method runs as its stand-in, flattened PCA")
    importance = engine.facts.importance({path for lora in demo for path in lora.layers})
    pictures = Pictures(base, demo) if given.pictures else None
    rows = []
    if not given.synthetic:
        rows = table("demo", demo, methods | {"ours, by effect": ours(importance)}, pictures)
    for one_seed in (False, True):
        for shared in (0.0, 0.3, 0.8):
            title = f"{shared:.0%} shared, {'one seed' if one_seed else 'own seeds'}"
            rows += table(title, synthetic(shared, one_seed=one_seed), methods, None)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")
    if given.plot:
        given.plot.write_text(page(rows))


if __name__ == "__main__":
    main()
