"""The leading directions of a collection as mixtures of its LoRAs: what a shared basis learns first.

With every LoRA scaled to norm 1 over all modules, the principal directions of the N updates, as one long
vector each, are combinations of the updates themselves: with C the table of cosines and C v = lambda v,
the direction sum_i v_i dW_i / (|dW_i| sqrt(lambda)) has norm 1 and holds lambda / N of all energy.
Nothing of the modules' own size is decomposed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import torch

from eigenlorax.lora import LoRA, LoRALayer, joined
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.census import DOMINANT, Census

_FEWEST = 4
#: Share of a direction's largest part below which another LoRA's part is not worth mixing in.
_SMALL = 0.02


@dataclass(frozen=True)
class Component:
    """One leading direction of a collection.

    Attributes:
        share: Part of the collection's energy that lies along it, in [0, 1].
        expected: The same for strangers: 1 / N.
        loads: LoRA -> signed part of the direction; squares sum up to 1. Largest first.
        strengths: LoRA -> strength at which it goes into the mixture that has the norm of the collection's
            middle LoRA: what "+1" looks like.
    """

    share: float
    expected: float
    loads: Mapping[str, float]
    strengths: Mapping[str, float]

    @property
    def dominant(self) -> str:
        """The LoRA that carries over half of it, in a collection of four or more; else empty."""
        name, load = next(iter(self.loads.items()))
        return name if len(self.loads) >= _FEWEST and load**2 > DOMINANT else ""


def leading(census: Census, count: int) -> list[Component]:
    """The `count` strongest directions, strongest first; the sign makes the largest part positive.

    Source: principal component analysis in its dual (Gram) form, uncentred, as the fit is.
    """
    active = [index for index, member in enumerate(census.members) if member.norm > 0.0]
    table = torch.tensor(census.cosines, dtype=torch.float64)[active][:, active]
    values, vectors = torch.linalg.eigh(table)
    middle = median(census.members[index].norm for index in active)
    found = []
    for place in range(len(active) - 1, max(len(active) - 1 - count, -1), -1):
        energy, parts = float(values[place]), vectors[:, place]
        if energy < 1e-9:
            break
        parts = parts * parts[parts.abs().argmax()].sign()
        order = sorted(range(len(active)), key=lambda at: -abs(float(parts[at])))
        members = [(census.members[active[at]], float(parts[at])) for at in order]
        found.append(
            Component(
                share=energy / len(active),
                expected=1.0 / len(active),
                loads={member.name: part for member, part in members},
                strengths={
                    member.name: middle * part / (member.norm * energy**0.5)
                    for member, part in members
                    if abs(part) >= _SMALL * abs(members[0][1])
                },
            )
        )
    return found


def mixture(name: str, loras: Sequence[LoRA], strengths: Mapping[str, float]) -> LoRA:
    """The LoRA whose update is sum_i strength_i * dW_i; each layer is made when it is asked for."""
    return LoRA(name, _Mixed([(lora, strengths[lora.name]) for lora in loras if lora.name in strengths]))


class _Mixed(Mapping[ModulePath, LoRALayer]):
    """Layers that are read and joined one at a time, so that a collection is never held as a whole."""

    def __init__(self, parts: Sequence[tuple[LoRA, float]]) -> None:
        self._parts = parts
        self._paths = sorted({path for lora, _ in parts for path in lora.layers})

    def __getitem__(self, path: ModulePath) -> LoRALayer:
        found = [lora.layers[path].scaled(part) for lora, part in self._parts if path in lora.layers]
        if not found:
            raise KeyError(path)
        return joined(found)

    def __iter__(self) -> Iterator[ModulePath]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)
