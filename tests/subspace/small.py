"""Small collections of LoRAs for the tests of growing: two modules, no model."""

import torch

from eigenlorax.events import drain
from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import Component, ModulePath, ModuleShape
from eigenlorax.subspace.fit import Goal, fit
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.style import Style, blend_layers
from eigenlorax.subspace.subspace import Subspace

PATHS = (ModulePath(Component.UNET, "a"), ModulePath(Component.UNET, "b"))
SHAPES = {PATHS[0]: (40, 32), PATHS[1]: (24, 48)}
LAYOUT = {path: ModuleShape(*shape) for path, shape in SHAPES.items()}
EVEN = dict.fromkeys(PATHS, 1.0)


def draw(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def stranger(name: str, rank: int = 3, seed: int = 0) -> LoRA:
    """A LoRA that shares nothing with any other seed's."""
    layers = {
        path: LoRALayer(draw(rows, rank, seed=seed), draw(rank, columns, seed=seed + 1))
        for path, (rows, columns) in SHAPES.items()
    }
    return LoRA(name, layers, f"{seed:064x}")


def family(names: str, rank: int = 3, seed: int = 100) -> list[LoRA]:
    """LoRAs that share both frames of every module."""
    frame = stranger("frame", rank, seed)
    return [
        LoRA(
            name,
            {
                p: LoRALayer(x.up @ draw(rank, rank, seed=seed + 7 + n), x.down)
                for p, x in frame.layers.items()
            },
            f"{seed + n:064x}",
        )
        for n, name in enumerate(names)
    ]


def fitted(
    loras: list[LoRA], retain: float = 0.999, numbers: Numbers = Numbers.FP16
) -> tuple[Subspace, dict[str, Style]]:
    """A subspace of LoRAs, and their styles."""
    goal = Goal(retain=retain, numbers=numbers)
    result = drain(fit(loras, {lora.name: 1000 for lora in loras}, "layout", goal, EVEN))
    return result.subspace, result.styles({lora.name: (f"{lora.name} look",) for lora in loras})


def dense(subspace: Subspace, style: Style) -> dict[ModulePath, torch.Tensor]:
    """What a style does to each module, as one matrix."""
    layers = blend_layers(subspace, {style.name: style}, {style.name: 1.0})
    return {path: layer.up @ layer.down for path, layer in layers.items()}


def dense_lora(lora: LoRA) -> dict[ModulePath, torch.Tensor]:
    """What a LoRA does to each module, as one matrix."""
    return {path: lora.layers[path].up @ lora.layers[path].down for path in lora.layers}


def distance(found: dict[ModulePath, torch.Tensor], exact: dict[ModulePath, torch.Tensor]) -> float:
    """Relative Frobenius error over all modules."""
    wrong = sum(float((found[path] - exact[path]).double().square().sum()) for path in exact)
    return (wrong / sum(float(matrix.double().square().sum()) for matrix in exact.values())) ** 0.5
