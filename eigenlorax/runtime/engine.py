"""Which styles the model wears now, and how long the last change took."""

import time
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import ModulePath
from eigenlorax.recipe import StyleBlend
from eigenlorax.runtime.hardware import synchronize
from eigenlorax.runtime.inject import Injection
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspace.fingerprint import Fingerprint
from eigenlorax.subspace.style import Style, blend_layers
from eigenlorax.subspace.subspace import Subspace


class Engine:
    """Puts a blend of styles, or one original LoRA, into a base model and takes it out again.

    Args:
        base: The loaded model.
    """

    def __init__(self, base: BaseModel) -> None:
        self.base = base
        self._injection = Injection(base.parameters)
        self._worn: object = None
        self._norms: dict[ModulePath, float] = {}
        self._effects: dict[ModulePath, float] = {}

    def wear_blend(self, subspace: Subspace, styles: Mapping[str, Style], strengths: StyleBlend) -> float:
        """Make the model wear exactly this blend of styles.

        Returns:
            Milliseconds the change took; 0.0 when the model wears the blend already.
        """
        chosen = {name: strength for name, strength in strengths.items() if strength != 0.0}
        key = (subspace.hash, tuple(sorted(chosen.items())))
        if key == self._worn:
            return 0.0
        started = time.perf_counter()
        self._apply(blend_layers(subspace, styles, chosen))
        self._worn = key
        return (time.perf_counter() - started) * 1000.0

    def wear_lora(self, lora: LoRA, strength: float) -> float:
        """Make the model wear an original LoRA, for comparison; returns milliseconds, reading included."""
        started = time.perf_counter()
        self._apply({path: lora.layers[path].scaled(strength) for path in lora.layers})
        self._worn = (lora.name, lora.sha256, strength)
        return (time.perf_counter() - started) * 1000.0

    def wear_nothing(self) -> float:
        """Put the base back bit for bit; returns milliseconds."""
        started = time.perf_counter()
        self._apply({})
        self._worn = None
        return (time.perf_counter() - started) * 1000.0

    def pristine(self, path: ModulePath) -> Tensor:
        """The base's own value of a parameter, whatever is worn: a float32 (out, in * kernel) matrix."""
        return self._injection.pristine(path)

    def fingerprint(self, paths: Iterable[ModulePath]) -> Fingerprint:
        """What tells this base from another, over these parameters, whatever is worn."""
        return Fingerprint(self.base.name, {path: self._weight_norm(path) for path in paths})

    def learn_effects(self, effects: Mapping[ModulePath, float]) -> None:
        """Take up what a change of each weight was measured to do to a prediction of this base."""
        self._effects = dict(effects)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        device: torch.device = self.base.pipeline.device
        return device

    @property
    def knows_effects(self) -> bool:
        """Whether importance rests on measured effects."""
        return bool(self._effects)

    def importance(self, paths: Iterable[ModulePath]) -> dict[ModulePath, float]:
        """Factor on each parameter's squared error: what a change of it was measured to do to a prediction.

        A parameter without a measurement took no part in any prediction, as SDXL takes no part of its first
        text encoder's last layer: it counts a thousandth of the least. Where none was measured, all count
        alike.
        """
        least = 1e-3 * min(self._effects.values()) if self._effects else 1.0
        return {path: self._effects.get(path, least) for path in paths}

    def _weight_norm(self, path: ModulePath) -> float:
        """||W|| of the base's own value; measured once, since that value never changes."""
        if path not in self._norms:
            self._norms[path] = self._injection.norm(path)
        return self._norms[path]

    def _apply(self, updates: Mapping[ModulePath, LoRALayer]) -> None:
        self._worn = None  # an exception halfway must not leave a claim about what is worn
        self._injection.apply(updates)
        synchronize(self.base.pipeline.device)
