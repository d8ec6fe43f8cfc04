"""Styles in the base model's weights, with an exact way back."""

from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType

import torch
from torch import Tensor, nn

from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import ModulePath
from eigenlorax.runtime.factors import Batch
from eigenlorax.runtime.passes import Passes, TorchPasses


class Injection:
    """Merged engine: W = W0 + dW, always from a pristine copy, never undone by subtraction.

    Weights of one shape that change together are moved into one tensor, so that one product rewrites them all
    in a single pass over the memory that a copy would pass over as well.

    Leaving the `with` block, also through an exception, puts every weight back bit for bit.

    Args:
        parameters: The base model's parameters by path; only those that are changed are copied.
        passes: How weights of one shape are written together; by default as torch does.
    """

    def __init__(self, parameters: Mapping[ModulePath, nn.Parameter], passes: Passes | None = None) -> None:
        self._parameters, self._passes = parameters, passes or TorchPasses()
        self._pristine: dict[ModulePath, Tensor] = {}
        self._changed: set[ModulePath] = set()
        self._stacks: dict[tuple[ModulePath, ...], tuple[Tensor, Tensor]] = {}
        self.moves = 0
        """How often weights were moved in memory."""

    @torch.no_grad()
    def apply(self, updates: Mapping[ModulePath, LoRALayer]) -> None:
        """Make the model W0 + up @ down for exactly these updates; whatever was applied before is gone.

        Args:
            updates: float32 layers that fit their modules; summed in float32 and cast once.
        """
        self._restore(self._changed - updates.keys())
        for path, layer in updates.items():
            weight, base = self._parameters[path], self._own(path)
            self._changed.add(path)
            up, down = layer.up.to(weight.device), layer.down.to(weight.device)
            merged = torch.addmm(base.float().reshape(base.shape[0], -1), up, down)
            weight.copy_(merged.view_as(weight))

    @torch.no_grad()
    def apply_batches(self, batches: Sequence[Batch]) -> None:
        """Make the model W0 + up^T mix^T down for exactly these modules, those of one shape at once."""
        self._restore(self._changed - {path for batch in batches for path in batch.paths})
        for batch in batches:
            weights, bases = self._together(batch.paths)
            self._changed.update(batch.paths)
            self._passes.rewrite(weights, bases, batch.up, torch.bmm(batch.mix.mT, batch.down))

    def pristine(self, path: ModulePath) -> Tensor:
        """The base's own value of a parameter as a float32 (out, in * kernel) matrix on the CPU."""
        weight = self._pristine.get(path, self._parameters[path].detach())
        return weight.float().cpu().reshape(weight.shape[0], -1)

    def norm(self, path: ModulePath) -> float:
        """Frobenius norm of the base's own value of a parameter, taken where the weight lies."""
        weight = self._pristine.get(path, self._parameters[path].detach())
        return float(torch.linalg.vector_norm(weight, dtype=torch.float32))

    def forget(self) -> None:
        """Drop all pristine copies; nothing may be changed."""
        self.eject()
        self._pristine.clear()
        self._stacks.clear()

    @torch.no_grad()
    def eject(self) -> None:
        """Put back every weight that was changed, bit for bit."""
        self._restore(self._changed)

    def __enter__(self) -> "Injection":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.eject()

    def _restore(self, paths: Iterable[ModulePath]) -> None:
        left = set(paths)
        for home, (weights, bases) in self._stacks.items():
            if left.issuperset(home) and self._at_home(home):
                weights.copy_(bases)
                left.difference_update(home)
                self._changed.difference_update(home)
        for path in left:
            self._parameters[path].copy_(self._pristine[path])
            self._changed.discard(path)

    def _own(self, path: ModulePath) -> Tensor:
        """The pristine copy of a parameter, made when it is first asked for."""
        if path not in self._pristine:
            self._pristine[path] = self._parameters[path].detach().clone()
        return self._pristine[path]

    def _together(self, paths: tuple[ModulePath, ...]) -> tuple[Tensor, Tensor]:
        """(n, out, in) of these parameters as they are now and as they were, each in one tensor."""
        if paths not in self._stacks or not self._at_home(paths):
            for stack in [stack for stack in self._stacks if not set(paths).isdisjoint(stack)]:
                del self._stacks[stack]  # its tensors live on in the parameters until they are moved below
            self.moves += 1
            first = self._parameters[paths[0]].detach()
            weights = first.new_empty(len(paths), first.shape[0], first[0].numel())
            bases = torch.empty_like(weights)
            for place, path in enumerate(paths):
                parameter, shape = self._parameters[path], self._parameters[path].shape
                weights[place] = parameter.view(first.shape[0], -1)
                bases[place] = self._own(path).view(first.shape[0], -1)
                parameter.data, self._pristine[path] = weights[place].view(shape), bases[place].view(shape)
            self._stacks[paths] = weights, bases
        return self._stacks[paths]

    def _at_home(self, paths: tuple[ModulePath, ...]) -> bool:
        """Whether nobody else has moved these parameters since, as a change of device does."""
        weights = self._stacks[paths][0]
        ends = (paths[0], weights[0]), (paths[-1], weights[-1])
        return all(self._parameters[path].data_ptr() == stacked.data_ptr() for path, stacked in ends)
