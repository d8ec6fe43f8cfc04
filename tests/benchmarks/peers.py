"""Other ways to store a collection of LoRAs in a number of bytes; all numbers in fp16, names and headers not counted.

* each LoRA alone: its truncated SVD, ranks given out greedily over all LoRAs and modules, the best there is.
* HOSVD, one quality: the first k columns of each side of each module that keep one share of its energy.
* paper: rows of the raw factors stacked, centred, K principal components a side (the mean kept and added back),
  r x K loadings for each LoRA, one K for all modules (arXiv:2502.04700).
* flattened PCA: each LoRA's factor as one long row, centred, K principal components a side, K loadings for each
  LoRA, as the package `vlora-dev` does (Share, arXiv:2602.06043); by the package itself where it is installed.
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors.torch import save_file
from torch import Tensor

from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.basis import canonical, project, reconstruct
from eigenlorax.subspace.frames import hosvd
from tests.benchmarks.approximation import Approximation, modules, norms

HAS_VLORA = find_spec("vlora") is not None


def alone(loras: Sequence[LoRA], budget: int) -> tuple[Approximation, int]:
    """Truncated SVD of each LoRA, greedy over all."""
    forms = {lora.name: {path: canonical(layer) for path, layer in lora.layers.items()} for lora in loras}
    steps = []
    for name, own in forms.items():
        size = sum(form.energy for form in own.values())
        for path, form in own.items():
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


def sought(
    budget: int, low: float, high: float, run: Callable[[float], tuple[Approximation, int]]
) -> tuple[Approximation, int]:
    """The outcome of the largest setting within the budget, by bisection; that of `low` if none is."""
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
    sizes = norms(loras)
    prepared = {}
    for path in modules(loras):
        forms = {lora.name: canonical(lora.layers[path]) for lora in loras if path in lora.layers}
        prepared[path] = forms, hosvd(list(forms.values()), [1 / sizes[name] for name in forms])

    def run(retain: float) -> tuple[Approximation, int]:
        made: Approximation = {lora.name: {} for lora in loras}
        size = 0
        for path, (forms, frames) in prepared.items():
            k_out, k_in = (
                min(int((e.cumsum(0) < retain * e.sum()).sum()) + 1, e.shape[0])
                for e in (frames.energy_out, frames.energy_in)
            )
            basis = frames.first(k_out, k_in)
            size += basis.out.numel() + basis.into.numel()
            for name, form in forms.items():
                core = project(form, basis)
                rank = min(form.s.shape[0], k_out, k_in)
                size += min(core.numel(), rank * (k_out + k_in))
                made[name][path] = reconstruct(core, basis)
        return made, 2 * size

    return sought(budget, 0.001, 1.0, run)


def paper(loras: Sequence[LoRA], budget: int) -> tuple[Approximation, int]:
    """Centred PCA of the raw factors' rows, r x K loadings, one K."""
    prepared = {}
    for path in modules(loras):
        layers = {lora.name: lora.layers[path] for lora in loras if path in lora.layers}
        sides = [torch.cat([x.up.mT for x in layers.values()]), torch.cat([x.down for x in layers.values()])]
        prepared[path] = layers, [principal(rows) for rows in sides]

    def run(width: float) -> tuple[Approximation, int]:
        made: Approximation = {lora.name: {} for lora in loras}
        size = 0
        for path, (layers, sides) in prepared.items():
            kept = [(mean, axes[: int(width)]) for mean, axes in sides]
            size += sum(mean.numel() + axes.numel() for mean, axes in kept)
            for name, layer in layers.items():
                up, down = (_recoded(rows, *kept[n]) for n, rows in enumerate((layer.up.mT, layer.down)))
                size += layer.rank * sum(axes.shape[0] for _, axes in kept)
                made[name][path] = LoRALayer(up.mT, down)
        return made, 2 * size

    most = max(axes.shape[0] for _, sides in prepared.values() for _, axes in sides)
    return sought(budget, 1.0, most + 0.99, run)


def flattened(loras: Sequence[LoRA], budget: int) -> tuple[Approximation, int]:
    """Centred PCA of whole factors as rows, K loadings; of each module, the LoRAs of one rank share a basis.

    A stand-in for `vlora-dev` 1.0.0's `SharedSubspace.from_adapters` and `reconstruct`; K = 0 is added, and modules
    that only some LoRAs have or that have several ranks, which the package drops or refuses.
    """
    prepared = []
    for path in modules(loras):
        ranks: dict[int, list[str]] = {}
        for lora in loras:
            if path in lora.layers:
                ranks.setdefault(lora.layers[path].rank, []).append(lora.name)
        own = {lora.name: lora.layers[path] for lora in loras if path in lora.layers}
        for names in ranks.values():
            sides = [
                torch.stack([own[name].up.flatten() for name in names]),
                torch.stack([own[name].down.flatten() for name in names]),
            ]
            prepared.append((path, {name: own[name] for name in names}, sides, [principal(x) for x in sides]))

    def run(width: float) -> tuple[Approximation, int]:
        made: Approximation = {lora.name: {} for lora in loras}
        size = 0
        for path, layers, sides, found in prepared:
            back = []
            for rows, (mean, axes) in zip(sides, found, strict=True):
                kept = axes[: int(width)]
                size += mean.numel() + kept.numel() + len(layers) * kept.shape[0]
                back.append(_recoded(rows, mean, kept))
            for number, (name, layer) in enumerate(layers.items()):
                up, down = (side[number] for side in back)
                made[name][path] = LoRALayer(up.view_as(layer.up), down.view_as(layer.down))
        return made, 2 * size

    return sought(budget, 0.0, len(loras) - 0.01, run)


def vlora(loras: Sequence[LoRA], budget: int) -> tuple[Approximation, int]:
    """The same by the package: our LoRAs as PEFT folders, loaded, joined and given back by its own functions."""
    from vlora import SharedSubspace
    from vlora.io import load_adapter

    names = {str(path): path for path in modules(loras)}
    with TemporaryDirectory() as folder:
        adapters = []
        for lora in loras:
            home = Path(folder) / lora.name
            home.mkdir()
            tensors = {}
            for path, layer in lora.layers.items():
                tensors[f"base_model.model.{path}.lora_A.weight"] = layer.down.contiguous()
                tensors[f"base_model.model.{path}.lora_B.weight"] = layer.up.contiguous()
            save_file(tensors, home / "adapter_model.safetensors")
            adapters.append(load_adapter(home))

    def run(width: float) -> tuple[Approximation, int]:
        space = SharedSubspace.from_adapters(
            adapters, [lora.name for lora in loras], num_components=int(width)
        )
        sides = [
            *space.components_a.values(),
            *space.components_b.values(),
            *space.means_a.values(),
            *space.means_b.values(),
        ]
        loadings = [
            x
            for task in space.tasks.values()
            for side in (task.loadings_a, task.loadings_b)
            for x in side.values()
        ]
        made: Approximation = {}
        for lora in loras:
            back = space.reconstruct(lora.name)
            made[lora.name] = {names[n]: LoRALayer(back.lora_b[n], back.lora_a[n]) for n in back.layer_names}
        return made, 2 * sum(x.numel() for x in [*sides, *loadings])

    return sought(budget, 1.0, len(loras) - 0.01, run)


def principal(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of the rows, and their principal axes as rows, strongest first."""
    mean = rows.mean(0)
    return mean, torch.linalg.svd(rows - mean, full_matrices=False)[2]


def _recoded(rows: Tensor, mean: Tensor, axes: Tensor) -> Tensor:
    return mean + (rows - mean) @ axes.mT @ axes
