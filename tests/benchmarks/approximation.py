"""What every method of the compression benchmark gives and takes, and the collections it runs on."""

from collections.abc import Callable, Sequence

import torch

from eigenlorax.lora import LoRA, LoRALayer, joined
from eigenlorax.module_path import Component, ModulePath

Approximation = dict[str, dict[ModulePath, LoRALayer]]
"""LoRA name -> module -> what is left of its update; a module may be missing."""

Method = Callable[[Sequence[LoRA], int], tuple[Approximation, int]]
"""(collection, budget in bytes) -> (approximation, bytes of its numbers in fp16)."""

#: Columns on each side that the synthetic LoRAs share.
COMMON = 16
#: How far training moves a down matrix from its random start, relative to the start.
_MOVED = 0.3
_SIZES = {
    "attn1.to_q": (1280, 1280),
    "attn2.to_k": (1280, 2048),
    "ff.net.0.proj": (10240, 1280),
    "attn1.to_v": (640, 640),
}


def whole_bytes(loras: Sequence[LoRA]) -> int:
    """Bytes of all factors in fp16."""
    return sum(2 * (x.up.numel() + x.down.numel()) for lora in loras for x in lora.layers.values())


def norms(loras: Sequence[LoRA]) -> dict[str, float]:
    """LoRA -> Frobenius norm over all its modules."""
    return {lora.name: sum(x.norm**2 for x in lora.layers.values()) ** 0.5 for lora in loras}


def modules(loras: Sequence[LoRA]) -> list[ModulePath]:
    """Every module that some LoRA changes."""
    return sorted({path for lora in loras for path in lora.layers})


def error(loras: Sequence[LoRA], made: Approximation) -> float:
    """Root of the mean over LoRAs of ||dW - approximation||^2 / ||dW||^2."""
    total = 0.0
    for lora in loras:
        wrong = size = 0.0
        for path, layer in lora.layers.items():
            near = made[lora.name].get(path)
            difference = layer if near is None else joined([layer, near.scaled(-1.0)])
            wrong, size = wrong + difference.norm**2, size + layer.norm**2
        total += wrong / size
    return (total / len(loras)) ** 0.5


def synthetic(shared: float, *, one_seed: bool, count: int = 12, rank: int = 16) -> list[LoRA]:
    """Random LoRAs of full-size SDXL modules with this share of their energy in `COMMON` common columns.

    Args:
        shared: Share of each update's energy, in [0, 1); it takes half the columns.
        one_seed: The down matrices of what is not shared start from the same random numbers and have moved
            little, as when all LoRAs were trained with one seed; otherwise from numbers of their own.
        count: LoRAs.
        rank: Of each.
    """
    g = torch.Generator().manual_seed(11)
    loras: dict[str, dict[ModulePath, LoRALayer]] = {f"lora-{n}": {} for n in range(count)}
    for name, (out, into) in _SIZES.items():
        path = ModulePath(Component.UNET, name)
        left = torch.linalg.qr(torch.randn(out, COMMON, generator=g))[0]
        right = torch.linalg.qr(torch.randn(into, COMMON, generator=g))[0]
        start = torch.randn(rank, into, generator=g)
        for layers in loras.values():
            common = LoRALayer(
                left @ torch.randn(COMMON, rank, generator=g),
                torch.randn(rank, COMMON, generator=g) @ right.mT,
            )
            down = torch.randn(rank, into, generator=g)
            own = LoRALayer(torch.randn(out, rank, generator=g), start + _MOVED * down if one_seed else down)
            mine = (
                rank // 2 if shared else 0
            )  # factors stay as they are drawn: raw ones of one seed are alike
            parts = [
                LoRALayer(part.up[:, :columns], part.down[:columns])
                for part, columns in ((common, mine), (own, rank - mine))
            ]
            shares = shared, 1.0 - shared
            layers[path] = joined(
                [
                    part.scaled(share**0.5 / part.norm)
                    for part, share in zip(parts, shares, strict=True)
                    if share
                ]
            )
    return [LoRA(name, layers) for name, layers in loras.items()]
