"""Weight error and picture distance against bytes, side by side in one run.

    python -m tests.benchmarks.compression [--pictures] [--json FILE]

Methods, all in fp16 numbers of equal bytes:
* ours: shared columns, cores and private ranks, allocated over all modules and styles (subspace/allocate.py);
  "by weight" minimises the weight error, "by effect" weighs each module by 1 / ||W||^2, as the app does.
* each LoRA alone: its truncated SVD, ranks given out greedily over all LoRAs and modules, the best there is.
* HOSVD, one quality: the first k columns of each side of each module that keep one share of its energy.
* the paper's form (arXiv:2502.04700): rows of the raw factors stacked, centred, K principal components a side
  (the mean kept and added back), r x K loadings for each LoRA, one K for all modules.

Collections: the demo LoRAs (independent seeds), and synthetic ones of full-size SDXL modules with 0, 30 and 80% of
their energy in one common subspace of 16 columns, each LoRA with its own random frames. Bytes are those of the
numbers; every method would need the same names beside them.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from eigenlorax.formats.read import LoRAReader
from eigenlorax.lora import LoRA, LoRALayer, joined
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.engine import Engine
from eigenlorax.runtime.generate import denoise
from eigenlorax.runtime.hardware import detect
from eigenlorax.runtime.inject import Injection
from eigenlorax.runtime.sdxl import load_base
from eigenlorax.showcase import drain
from eigenlorax.studio import DEMO_LORAS, DEMO_MODEL
from eigenlorax.subspace.basis import canonical, project, reconstruct
from eigenlorax.subspace.fit import Goal, fit
from eigenlorax.subspace.frames import hosvd

Approximation = dict[str, dict[ModulePath, LoRALayer]]
Method = Callable[[Sequence[LoRA], int], tuple[Approximation, int]]
RATIOS = (3.0, 6.0, 18.0)


def whole_bytes(loras: Sequence[LoRA]) -> int:
    """Bytes of all factors in fp16."""
    return sum(2 * (x.up.numel() + x.down.numel()) for lora in loras for x in lora.layers.values())


def ours(importance: Mapping[ModulePath, float] | None) -> Method:
    """Allocation between shared columns and private ranks."""

    def run(loras: Sequence[LoRA], budget: int) -> tuple[Approximation, int]:
        result = drain(fit(loras, {}, "", Goal(number_bytes=budget), importance))
        size = sum(b.stored_out.numel() + b.stored_into.numel() for b in result.subspace.bases.values())
        made: Approximation = {}
        for name, projection in result.projections.items():
            made[name] = {}
            for path, core in projection.cores.items():
                rank = min(projection.ranks[path], *core.shape) if core.numel() else 0
                size += min(core.numel(), rank * sum(core.shape))
                layers = [reconstruct(core, result.subspace.bases[path])]
                if residual := projection.residuals.get(path):
                    size += residual.up.numel() + residual.down.numel()
                    layers.append(LoRALayer(residual.up.half().float(), residual.down.half().float()))
                made[name][path] = joined(layers)
        return made, 2 * size

    return run


def alone(loras: Sequence[LoRA], budget: int) -> tuple[Approximation, int]:
    """Truncated SVD of each LoRA, greedy over all."""
    forms = {lora.name: {path: canonical(layer) for path, layer in lora.layers.items()} for lora in loras}
    steps = []
    for name, modules in forms.items():
        size = sum(form.energy for form in modules.values())
        for path, form in modules.items():
            price = 2 * (form.p.shape[0] + form.q.shape[0])
            steps += [(float(s) ** 2 / size / price, name, path, price) for s in form.s]
    ranks: dict[tuple[str, ModulePath], int] = {}
    spent = 0
    for _, name, path, price in sorted(steps, key=lambda step: -step[0]):
        if spent + price <= budget:
            spent += price
            ranks[name, path] = ranks.get((name, path), 0) + 1
    made: Approximation = {name: {} for name in forms}
    for (name, path), rank in ranks.items():
        form = forms[name][path]
        root = form.s[:rank].sqrt()
        up, down = form.p[:, :rank] * root, (form.q[:, :rank] * root).mT
        made[name][path] = LoRALayer(up.half().float(), down.half().float())
    return made, spent


def _sought(
    budget: int, low: float, high: float, run: Callable[[float], tuple[Approximation, int]]
) -> tuple[Approximation, int]:
    best = run(low)
    for _ in range(12):
        middle = (low + high) / 2
        found = run(middle)
        if found[1] <= budget:
            low, best = middle, found
        else:
            high = middle
    return best


def one_quality(loras: Sequence[LoRA], budget: int) -> tuple[Approximation, int]:
    """HOSVD with one share of energy for every module."""
    norms = {lora.name: sum(x.norm**2 for x in lora.layers.values()) ** 0.5 for lora in loras}
    prepared = {}
    for path in sorted({path for lora in loras for path in lora.layers}):
        forms = {lora.name: canonical(lora.layers[path]) for lora in loras if path in lora.layers}
        prepared[path] = forms, hosvd(list(forms.values()), [1 / norms[name] for name in forms])

    def run(retain: float) -> tuple[Approximation, int]:
        made: Approximation = {lora.name: {} for lora in loras}
        size = 0
        for path, (forms, frames) in prepared.items():
            k_out, k_in = (
                min(int((e.cumsum(0) < retain * e.sum()).sum()) + 1, e.shape[0])
                for e in (frames.energy_out, frames.energy_in)
            )
            basis = frames.first(k_out, k_in)
            size += basis.stored_out.numel() + basis.stored_into.numel()
            for name, form in forms.items():
                core = project(form, basis)
                rank = min(form.s.shape[0], k_out, k_in)
                size += min(core.numel(), rank * (k_out + k_in))
                made[name][path] = reconstruct(core, basis)
        return made, 2 * size

    return _sought(budget, 0.001, 1.0, run)


def paper(loras: Sequence[LoRA], budget: int) -> tuple[Approximation, int]:
    """Centred PCA of the raw factors' rows, r x K loadings, one K."""
    prepared = {}
    for path in sorted({path for lora in loras for path in lora.layers}):
        layers = {lora.name: lora.layers[path] for lora in loras if path in lora.layers}
        sides = [
            torch.cat([side(layer) for layer in layers.values()])
            for side in (lambda x: x.up.mT, lambda x: x.down)
        ]
        pca = []
        for rows in sides:
            mean = rows.mean(0)
            pca.append((mean, torch.linalg.svd(rows - mean, full_matrices=False)[2]))
        prepared[path] = layers, pca

    def run(width: float) -> tuple[Approximation, int]:
        made: Approximation = {lora.name: {} for lora in loras}
        size = 0
        for path, (layers, pca) in prepared.items():
            kept = [(mean, axes[: int(width)]) for mean, axes in pca]
            size += sum(mean.numel() + axes.numel() for mean, axes in kept)
            for name, layer in layers.items():
                up, down = (_recoded(rows, *kept[n]) for n, rows in enumerate((layer.up.mT, layer.down)))
                size += layer.rank * sum(axes.shape[0] for _, axes in kept)
                made[name][path] = LoRALayer(up.mT, down)
        return made, 2 * size

    most = max(axes.shape[0] for _, pca in prepared.values() for _, axes in pca)
    return _sought(budget, 1.0, most + 0.99, run)


def _recoded(rows: Tensor, mean: Tensor, axes: Tensor) -> Tensor:
    return mean + (rows - mean) @ axes.mT @ axes


def error(loras: Sequence[LoRA], made: Approximation) -> float:
    """Mean over LoRAs of ||dW - approximation|| / ||dW||."""
    total = 0.0
    for lora in loras:
        wrong = size = 0.0
        for path, layer in lora.layers.items():
            near = made[lora.name].get(path)
            difference = layer if near is None else joined([layer, near.scaled(-1.0)])
            wrong, size = wrong + difference.norm**2, size + layer.norm**2
        total += (wrong / size) ** 0.5
    return total / len(loras)


def synthetic(shared: float, count: int = 12, rank: int = 16) -> list[LoRA]:
    """Random LoRAs of full-size SDXL modules with this share of their energy in 16 common columns."""
    sizes = {
        "attn1.to_q": (1280, 1280),
        "attn2.to_k": (1280, 2048),
        "ff.net.0.proj": (10240, 1280),
        "attn1.to_v": (640, 640),
    }
    g = torch.Generator().manual_seed(11)
    loras: dict[str, dict[ModulePath, LoRALayer]] = {f"lora-{n}": {} for n in range(count)}
    for name, (out, into) in sizes.items():
        path = ModulePath(Component.UNET, name)
        common = (
            torch.linalg.qr(torch.randn(out, 16, generator=g))[0],
            torch.linalg.qr(torch.randn(into, 16, generator=g))[0],
        )
        for layers in loras.values():
            parts = []
            for share in (shared, 1.0 - shared):
                up, down = torch.randn(out, rank, generator=g), torch.randn(rank, into, generator=g)
                if share is shared:
                    up, down = (
                        common[0] @ torch.randn(16, rank, generator=g),
                        torch.randn(rank, 16, generator=g) @ common[1].mT,
                    )
                layer = LoRALayer(up, down)
                parts.append(layer.scaled(share**0.5 / layer.norm))
            form = canonical(joined(parts))
            root = form.s[:rank].sqrt()
            layers[path] = LoRALayer(form.p[:, :rank] * root, (form.q[:, :rank] * root).mT.contiguous())
    return [LoRA(name, layers) for name, layers in loras.items()]


class Pictures:
    """Distance between pictures drawn with the LoRAs themselves and with what is kept of them."""

    def __init__(self, base: object, loras: Sequence[LoRA]) -> None:
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


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", action="store_true", help="draw pictures for the demo LoRAs too")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    base = load_base(str(DEMO_MODEL), detect())
    engine = Engine(base)
    reader = LoRAReader(base.layout, engine.pristine)
    demo = [reader.open(path) for path in sorted(DEMO_LORAS.glob("*.safetensors"))]
    demo = [LoRA(lora.name, {path: lora.layers[path] for path in lora.layers}) for lora in demo]
    collections = {"demo": demo} | {
        f"synthetic, {int(100 * s)}% shared": synthetic(s) for s in (0.0, 0.3, 0.8)
    }
    pictures = Pictures(base, demo) if given.pictures else None
    rows = []
    for title, loras in collections.items():
        methods: dict[str, Method] = {
            "ours, by weight": ours(None),
            "each LoRA alone": alone,
            "HOSVD, one quality": one_quality,
            "paper": paper,
        }
        if title == "demo":
            methods["ours, by effect"] = ours(engine.importance({p for lora in loras for p in lora.layers}))
        for ratio in RATIOS:
            for name, method in methods.items():
                started = time.perf_counter()
                made, size = method(loras, int(whole_bytes(loras) / ratio))
                row = {"collection": title, "ratio": ratio, "method": name, "bytes": size, "seconds": time.perf_counter() - started,
                       "error": error(loras, made)}  # fmt: skip
                if pictures and title == "demo":
                    row["picture_distance"] = pictures.distance(made)
                rows.append(row)
                drawn = f"  pictures {row['picture_distance']:6.2f}" if "picture_distance" in row else ""
                print(
                    f"{title:24} {ratio:4.0f}x {name:20} {size:>10,} B  error {row['error']:.3f}{drawn}  {row['seconds']:.1f} s",
                    flush=True,
                )
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
