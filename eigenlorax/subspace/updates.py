"""One module's updates, LoRA by LoRA, each asked for as seldom as memory allows."""

from collections.abc import Iterator, Sequence

import torch

from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.basis import CanonicalLayer, canonical

#: Most bytes of canonical factors to keep between two iterations.
HELD_BYTES = 1 << 30


class Updates:
    """The canonical updates of one module, in the collection's order, as often as they are iterated over.

    A layer is asked for once if all of them together fit into `held_bytes`; otherwise each time, and only one
    is held.

    Args:
        loras: Those that change the module.
        path: The module.
        device: Where the updates are.
        held_bytes: Most to keep.
    """

    def __init__(
        self, loras: Sequence[LoRA], path: ModulePath, device: torch.device, held_bytes: int = HELD_BYTES
    ) -> None:
        self._loras = loras
        self._path = path
        self._device = device
        self._held_bytes = held_bytes
        self._held: list[CanonicalLayer] = []
        self._may_hold = True

    @property
    def names(self) -> list[str]:
        """Which LoRAs change the module."""
        return [lora.name for lora in self._loras]

    def __len__(self) -> int:
        return len(self._loras)

    def __iter__(self) -> Iterator[CanonicalLayer]:
        if len(self._held) == len(self._loras):
            yield from self._held
            return
        fresh: list[CanonicalLayer] = []
        used = 0
        for lora in self._loras:
            given = lora.layers[self._path]
            layer = canonical(LoRALayer(given.up.to(self._device), given.down.to(self._device)))
            used += 4 * (layer.p.numel() + layer.s.numel() + layer.q.numel())
            if self._may_hold and used <= self._held_bytes:
                fresh.append(layer)
            else:
                fresh, self._may_hold = [], False
            yield layer
        self._held = fresh
