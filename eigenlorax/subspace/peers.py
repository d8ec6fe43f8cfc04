"""A style beside what else its bytes could have bought, and beside what chance alone would give."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float64
from torch import Tensor

from eigenlorax.lora import LoRA, LoRALayer, joined
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.basis import reconstruct
from eigenlorax.subspace.fidelity import Fidelity
from eigenlorax.subspace.numbers import Numbers, bytes_of, rank_bytes
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace


@dataclass(frozen=True)
class _Module:
    """One module of one LoRA beside its style; energies are squared Frobenius norms, float64.

    Attributes:
        s: Squared singular values of the LoRA's update, descending.
        missed: ||dW - style||^2, of the numbers as they are stored.
        shared: Energy that the cores hold.
        room: Share of a random update's energy that the bases hold on average.
        rank: Most columns that the style's update can have.
        weight: Factor on a squared error.
        price: Bytes of one column of a LoRA.
        paid: Bytes of the style's numbers and of its part of the bases.
    """

    s: Float64[Tensor, " rank"]
    missed: float
    shared: float
    room: float
    rank: int
    weight: float
    price: int
    paid: float

    @property
    def energy(self) -> float:
        return float(self.s.sum())


def users(styles: Mapping[str, Style]) -> dict[ModulePath, int]:
    """Module -> how many styles change it, and so share the bytes of its basis."""
    counts: dict[ModulePath, int] = {}
    for style in styles.values():
        for path in style.cores:
            counts[path] = counts.get(path, 0) + 1
    return counts


def with_peers(
    style: Style,
    lora: LoRA,
    subspace: Subspace,
    importance: Mapping[ModulePath, float],
    sharers: Mapping[ModulePath, int],
) -> Fidelity:
    """A style's fidelity with what the same LoRA would lose elsewhere.

    * Its own truncation to the same ranks: what no store of those ranks can do better (Eckart & Young).
    * A random LoRA of the same singular values in the same bases: for frames that know nothing of each other
      E ||U^T dW V||^2 = sum_m ||dW_m||^2 (k_out / out) (k_in / in).
    * Its own truncation at equal bytes: the bytes of the style's numbers and its part of the bases (each
      divided among the styles that change its module) buy columns of this LoRA alone, the most weighted
      error per byte first. Headers, which both would pay, are left out.

    Reads each layer once and never forms a dense update.

    Args:
        style: As it is stored.
        lora: What it came from.
        subspace: That the style belongs to.
        importance: Module -> factor on its squared error, as in the fit: both allocations aim at the same.
        sharers: Module -> how many styles change it, from `users`.
    """
    modules = [
        _compare(path, style, lora, subspace, importance.get(path, 1.0), sharers.get(path, 1))
        for path in lora.layers
    ]
    total = sum(module.energy for module in modules)
    effect = sum(module.weight * module.energy for module in modules)
    if not total > 0.0:
        return style.fidelity
    budget = sum(module.paid for module in modules)
    alone = _alone(modules, budget)
    lost = [float(module.s[rank:].sum()) for module, rank in zip(modules, alone, strict=True)]
    return replace(
        style.fidelity,
        own_error=_root(sum(float(module.s[module.rank :].sum()) for module in modules) / total),
        shared_kept=min(1.0, sum(module.shared for module in modules) / total),
        random_kept=sum(module.room * module.energy for module in modules) / total,
        alone_error=_root(sum(lost) / total),
        alone_bytes=round(budget),
        effect_error=_root(sum(module.weight * module.missed for module in modules) / effect),
        alone_effect_error=_root(
            sum(module.weight * left for module, left in zip(modules, lost, strict=True)) / effect
        ),
    )


def _compare(
    path: ModulePath, style: Style, lora: LoRA, subspace: Subspace, weight: float, sharers: int
) -> _Module:
    layer = lora.layers[path]
    s = _energies(layer)
    rows, columns = layer.up.shape[0], layer.down.shape[1]
    basis, core, residual = subspace.bases.get(path), style.cores.get(path), style.residuals.get(path)
    parts = [] if basis is None or core is None else [reconstruct(core, basis)]
    parts += [] if residual is None else [residual]
    k_out, k_in = (0, 0) if basis is None else basis.core_shape
    private = 0 if residual is None else residual.rank
    numbers = Numbers.FP16 if basis is None else basis.numbers
    price = rank_bytes(rows, columns, numbers)
    paid: float = private * price
    if core is not None:
        paid += style.cores.kept[path].nbytes
        paid += (bytes_of(rows, k_out, numbers) + bytes_of(columns, k_in, numbers)) / sharers
    return _Module(
        s=s,
        missed=joined([layer.scaled(-1.0), *parts]).norm ** 2,
        shared=0.0 if core is None else float(core.double().square().sum()),
        room=k_out / rows * k_in / columns,
        rank=min(k_out, k_in) + private,
        weight=weight,
        price=price,
        paid=paid,
    )


def _energies(layer: LoRALayer) -> Float64[Tensor, " rank"]:
    """Squared singular values of up @ down, descending, from the r x r Gram matrices of both factors."""
    up, down = layer.up.double(), layer.down.double()
    values, vectors = torch.linalg.eigh(up.mT @ up)
    root = vectors * values.clamp(min=0.0).sqrt()
    return torch.linalg.eigvalsh(root.mT @ (down @ down.mT) @ root).flip(0).clamp(min=0.0)


def _alone(modules: list[_Module], budget: float) -> list[int]:
    """The rank of each module when the budget buys columns of this LoRA alone, the best per byte first."""
    offers = sorted(
        (
            (module.weight * value / module.price, index)
            for index, module in enumerate(modules)
            for value in module.s.tolist()
            if value > 0.0
        ),
        key=lambda offer: (-offer[0], offer[1]),
    )
    ranks, left = [0] * len(modules), budget
    for _, index in offers:
        if modules[index].price <= left:
            ranks[index] += 1
            left -= modules[index].price
    return ranks


def _root(share: float) -> float:
    return float(torch.tensor(share, dtype=torch.float64).clamp(min=0.0, max=1.0).sqrt())
