"""Styles beside the base model's weights: y = W x + U M V^T x + up (down x), a blend of its own for each row.

Nothing of the model is written, so the base stays as it is bit for bit, gradients reach every factor, and
each row of a batch may wear another blend in one forward pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.hooks import RemovableHandle

from eigenlorax.errors import InvalidRequestError
from eigenlorax.module_path import ModulePath


@dataclass(frozen=True)
class StackedUpdate:
    """One parameter's updates of S styles: dW_s = out cores[s] into^T + the columns of up @ down that s owns.

    Attributes:
        out: (out, k_out), shared by all styles.
        into: (in, k_in), shared by all styles; a kernel is flattened into the rows.
        cores: (S, k_out, k_in); zero for a style that leaves the parameter alone.
        up: (out, R) private columns of all styles, side by side.
        down: (R, in).
        owner: (R,) which style each private column belongs to.
    """

    out: Float[Tensor, "out k_out"]
    into: Float[Tensor, "into k_in"]
    cores: Float[Tensor, "styles k_out k_in"]
    up: Float[Tensor, "out ranks"]
    down: Float[Tensor, "ranks into"]
    owner: Int64[Tensor, " ranks"]


@runtime_checkable
class Update(Protocol):
    """What one parameter adds to its module's output."""

    @property
    def down(self) -> Float[Tensor, "rin into"]:
        """What the input is seen through; a kernel is flattened into a row."""

    def of(self, seen: Float[Tensor, "rows_or_1 positions rin"]) -> Float[Tensor, "rows positions out"]:
        """The update's output from what was seen of the input."""

    def added(
        self, output: Float[Tensor, "rows positions out"], seen: Float[Tensor, "rows positions rin"]
    ) -> Float[Tensor, "rows positions out"]:
        """The module's output with the update's beside it, in the same memory or not."""


@dataclass(frozen=True)
class _Blended:
    """A stacked update with its strengths: one row for all, or one for each row of the batch."""

    update: StackedUpdate
    weights: Float[Tensor, "rows_or_1 styles"]

    @property
    def down(self) -> Tensor:
        into, down = self.update.into, self.update.down
        # Without private rows nothing is copied: what learns would keep a copy for its gradient.
        return torch.cat([into.mT, down.to(into.dtype)]) if down.shape[0] else into.mT

    def of(self, seen: Tensor) -> Tensor:
        weights, update = self.weights.to(seen.dtype), self.update
        shared, own = seen.split([update.into.shape[1], update.down.shape[0]], dim=-1)
        cores = torch.einsum("bs,soi->boi", weights, update.cores.to(seen.dtype))
        told = shared @ cores.mT @ update.out.to(seen.dtype).mT
        return told + (own * weights[:, None, update.owner]) @ update.up.to(seen.dtype).mT

    def added(self, output: Tensor, seen: Tensor) -> Tensor:
        return output + self.of(seen)


class LiveInjection:
    """Live engine: forward hooks that add the update of a blend to every module's output.

    Wears nothing at first. Leaving the `with` block, also through an exception, takes every hook away.

    Args:
        modules: The base model's modules by the path of their weight.
    """

    def __init__(self, modules: Mapping[ModulePath, nn.Module]) -> None:
        self._modules = modules
        self._updates: Mapping[ModulePath, Update] = {}
        self._handles: dict[ModulePath, RemovableHandle] = {}

    def wear(
        self, updates: Mapping[ModulePath, StackedUpdate], weights: Float[Tensor, "rows_or_1 styles"]
    ) -> None:
        """Let the next forward passes add these updates, differentiable in every factor.

        Args:
            updates: Stacked for S styles.
            weights: Strengths; one row for all, or as many rows as the batch that will pass through.
        """
        self.add({path: _Blended(update, weights) for path, update in updates.items()})

    def add(self, updates: Mapping[ModulePath, Update]) -> None:
        """Let the next forward passes add these updates and no others.

        Raises:
            InvalidRequestError: an update for a grouped convolution, which has no plain low-rank form.
        """
        if updates is self._updates:
            return
        for path in updates:
            home = path._replace(parameter="weight")
            if home not in self._handles:
                module = self._modules[home]
                if isinstance(module, nn.Conv2d) and module.groups != 1:
                    raise InvalidRequestError(
                        f"{home} is a grouped convolution: use the merged engine for its styles"
                    )
                self._handles[home] = module.register_forward_hook(partial(self._add, home))
        self._updates = updates

    def eject(self) -> None:
        """Add nothing any more, and take every hook away."""
        self._updates = {}
        for handle in self._handles.values():
            handle.remove()
        self._handles.clear()

    def __enter__(self) -> "LiveInjection":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.eject()

    def _add(self, home: ModulePath, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        x = inputs[0]
        if update := self._updates.get(home):
            output = _with_weight(update, module, x, output)
        if bias := self._updates.get(home._replace(parameter="bias")):
            output = output + _placed(_vector(bias, output), module, output)
        return output


def _with_weight(update: Update, module: nn.Module, x: Tensor, output: Tensor) -> Tensor:
    if isinstance(module, nn.Linear):
        seen = x.reshape(x.shape[0], -1, x.shape[-1]) @ update.down.to(x.dtype).mT
        return update.added(output.view(x.shape[0], -1, output.shape[-1]), seen).view(output.shape)
    if isinstance(module, nn.Conv2d):
        return output + update.of(_through(module, x, update.down)).mT.reshape(output.shape)
    return output + _normalised(module, x) * _placed(_vector(update, output), module, output)


def _vector(update: Update, like: Tensor) -> Tensor:
    """(rows or 1, out): the update of a parameter that is a vector, a matrix of one column."""
    return update.of(update.down.to(like.dtype).mT[None])[:, 0]


def _through(module: nn.Conv2d, x: Tensor, rows: Tensor) -> Tensor:
    """(batch, positions, rows): x convolved with each row as a kernel, as the module itself would."""
    kernels = rows.to(x.dtype).reshape(rows.shape[0], module.in_channels, *module.kernel_size)
    if not kernels.shape[0]:
        kernels = kernels.new_zeros(1, *kernels.shape[1:])
    seen = functional.conv2d(x, kernels, None, module.stride, module.padding, module.dilation)
    return seen[:, : rows.shape[0]].flatten(2).mT


def _normalised(module: nn.Module, x: Tensor) -> Tensor:
    """What a norm multiplies its weight with."""
    if isinstance(module, nn.GroupNorm):
        return functional.group_norm(x, module.num_groups, None, None, module.eps)
    if isinstance(module, nn.LayerNorm):
        return functional.layer_norm(x, module.normalized_shape, None, None, module.eps)
    raise InvalidRequestError(f"a {type(module).__name__} has no update that can be added beside it")


def _placed(vector: Tensor, module: nn.Module, output: Tensor) -> Tensor:
    """(rows, out) in the shape that broadcasts over a module's output."""
    if isinstance(module, (nn.Conv2d, nn.GroupNorm)):
        return vector.reshape(*vector.shape, *[1] * (output.dim() - 2))
    return vector.reshape(vector.shape[0], *[1] * (output.dim() - 2), vector.shape[1])
