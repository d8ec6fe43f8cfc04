"""Styles in the base model's weights, with an exact way back."""

from collections.abc import Mapping
from types import TracebackType

import torch
from torch import Tensor, nn

from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import ModulePath


class Injection:
    """Merged engine: W = W0 + up @ down, always from a pristine copy, never undone by subtraction.

    Leaving the `with` block, also through an exception, puts every weight back bit for bit.

    Args:
        parameters: The base model's parameters by path; only those that are changed are copied.
    """

    def __init__(self, parameters: Mapping[ModulePath, nn.Parameter]) -> None:
        self._parameters = parameters
        self._pristine: dict[ModulePath, Tensor] = {}
        self._changed: set[ModulePath] = set()

    @torch.no_grad()
    def apply(self, updates: Mapping[ModulePath, LoRALayer]) -> None:
        """Make the model W0 + dW for exactly these updates; whatever was applied before is gone.

        Args:
            updates: float32 layers that fit their modules; summed in float32 and cast once.
        """
        for path in self._changed - updates.keys():
            self._parameters[path].copy_(self._pristine[path])
        self._changed &= updates.keys()
        for path, layer in updates.items():
            weight = self._parameters[path]
            if path not in self._pristine:
                self._pristine[path] = weight.detach().clone()
            base = self._pristine[path]
            self._changed.add(path)
            up, down = layer.up.to(weight.device), layer.down.to(weight.device)
            merged = torch.addmm(base.float().reshape(base.shape[0], -1), up, down)
            weight.copy_(merged.view_as(weight))

    def pristine(self, path: ModulePath) -> Tensor:
        """The base's own value of a parameter as a float32 (out, in * kernel) matrix on the CPU."""
        weight = self._pristine.get(path, self._parameters[path].detach())
        return weight.float().cpu().reshape(weight.shape[0], -1)

    def norm(self, path: ModulePath) -> float:
        """Frobenius norm of the base's own value of a parameter, taken where the weight lies."""
        weight = self._pristine.get(path, self._parameters[path].detach())
        return float(torch.linalg.vector_norm(weight, dtype=torch.float32))

    def eject(self) -> None:
        """Put back every weight that was changed, bit for bit."""
        self.apply({})

    def __enter__(self) -> "Injection":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.eject()
