"""A LoRA written in any dialect: one file, or for PEFT one folder."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from eigenlorax.errors import NotWrittenError
from eigenlorax.formats.card import Card, header_metadata
from eigenlorax.formats.dialect import Dialect, Precision, RealName, Slot, fill, slots, uniform_alpha
from eigenlorax.formats.scaling import ADAPTER_METADATA
from eigenlorax.formats.stream import Entry, file_size, in_file_order, write_hashed
from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import Component, ModelLayout, ModulePath

LayerOf = Callable[[ModulePath], LoRALayer]
"""Gives a module's update, of the rank that was planned for it, when it is about to be written."""


@dataclass(frozen=True)
class _File:
    name: str
    slots: Sequence[Slot]
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class LoRAPlan:
    """Everything about a file but its numbers, so that its size is known before it is written.

    Attributes:
        ranks: Module -> rank; every module is one that the dialect carries.
        layout: The base's parameters.
        dialect: Its spelling.
        precision: Of every tensor.
        card: What the header says.
        real_name: For PEFT: names in the loaded components.
    """

    ranks: Mapping[ModulePath, int]
    layout: ModelLayout
    dialect: Dialect
    precision: Precision
    card: Card
    real_name: RealName

    @property
    def rank(self) -> int:
        """The largest rank of any module with factors."""
        return max((rank for path, rank in self.ranks.items() if not self.layout[path].is_vector), default=1)

    @property
    def alpha(self) -> float | None:
        """kohya's one alpha; None in the other dialects, where up @ down is the update as it stands."""
        return uniform_alpha(self.ranks) if self.dialect.is_kohya else None

    @property
    def file_bytes(self) -> int:
        """Exact bytes of all its files."""
        files = self._files()
        configs = sum(len(text) for text in self._configs().values())
        return configs + sum(file_size(self._entries(f.slots), f.metadata, hashed=True) for f in files)

    def write(self, target: Path, layer_of: LayerOf) -> None:
        """Write it, one module in memory at a time.

        Args:
            target: A file, or for PEFT an empty folder.
            layer_of: Gives each module's update.

        Raises:
            OSError: as the disk says.
            NotWrittenError: a number is too large for the precision.
        """
        for file in self._files():
            path = target / file.name if file.name else target
            path.parent.mkdir(parents=True, exist_ok=True)
            source = _Source(file.slots, layer_of, self.alpha, self.precision)
            write_hashed(path, self._entries(file.slots), file.metadata, source)
        for name, text in self._configs().items():
            (target / name).write_bytes(text)

    def _files(self) -> list[_File]:
        everything = slots(self.ranks, self.layout, self.dialect, self.real_name)
        metadata = header_metadata(self.card, self.rank, self.alpha or float(self.rank), self._conv_rank())
        if self.dialect is Dialect.PEFT:
            return [
                _File(
                    f"{component.value}/adapter_model.safetensors",
                    [slot for slot in everything if slot.path.component is component],
                    metadata,
                )
                for component in self._components()
            ]
        if self.dialect is Dialect.DIFFUSERS:
            settings = {
                f"{component.value}.{key}": value
                for component in self._components()
                for key, value in self._adapter(component, _without_level).items()
            }
            metadata[ADAPTER_METADATA] = json.dumps(settings, sort_keys=True)
        return [_File("", everything, metadata)]

    def _configs(self) -> dict[str, bytes]:
        """File name -> bytes of PEFT's configuration for each component."""
        if self.dialect is not Dialect.PEFT:
            return {}
        fixed = {"peft_type": "LORA", "bias": "none", "inference_mode": True, "use_rslora": False}
        return {
            f"{component.value}/adapter_config.json": json.dumps(
                {**fixed, "base_model_name_or_path": self.card.base_name, "task_type": None}
                | self._adapter(component, self.real_name),
                indent=2,
                sort_keys=True,
            ).encode()
            for component in self._components()
        }

    def _adapter(self, component: Component, name_of: RealName) -> dict[str, Any]:
        """peft's settings of one component.

        alpha equals the rank in every module, so that the scale is 1 for readers that look at all of
        these settings, at some, or at none.
        """
        ranks = {name_of(path): rank for path, rank in self.ranks.items() if path.component is component}
        largest = max(ranks.values())
        pattern = {name: rank for name, rank in ranks.items() if rank != largest}
        return {
            "r": largest,
            "lora_alpha": largest,
            "rank_pattern": pattern,
            "alpha_pattern": pattern,
            "target_modules": sorted(ranks),
        }

    def _components(self) -> list[Component]:
        return [c for c in Component if any(path.component is c for path in self.ranks)]

    def _conv_rank(self) -> int:
        kernels = [rank for path, rank in self.ranks.items() if max(self.layout[path].kernel, default=1) > 1]
        return max(kernels, default=0)

    def _entries(self, of: Sequence[Slot]) -> list[Entry]:
        return in_file_order(Entry(slot.name, self.precision.dtype, slot.shape) for slot in of)


class _Source:
    """Gives tensors by name; keeps the last module, since a module's tensors lie side by side."""

    def __init__(
        self, of: Sequence[Slot], layer_of: LayerOf, alpha: float | None, precision: Precision
    ) -> None:
        self._slots = {slot.name: slot for slot in of}
        self._layer_of = layer_of
        self._alpha = alpha
        self._precision = precision
        self._last: tuple[ModulePath, LoRALayer] | None = None

    def __call__(self, name: str) -> Tensor:
        slot = self._slots[name]
        if self._last is None or self._last[0] != slot.path:
            self._last = (slot.path, self._layer_of(slot.path))
        values = fill(slot, self._last[1], self._alpha)
        if not bool(torch.isfinite(values.to(self._precision.dtype)).all()):
            raise NotWrittenError(
                f"{slot.path} has numbers up to {float(values.abs().max()):.3g}, which do not fit into "
                f"{self._precision}: choose fp32"
            )
        return values


def _without_level(path: ModulePath) -> str:
    """A name that ends the module's name whether or not CLIP has its `text_model.` level."""
    return path.name.removeprefix("text_model.")
