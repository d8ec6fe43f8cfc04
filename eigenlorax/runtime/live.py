"""Styles beside the base model's weights: y = W x + U M V^T x + up (down x), a blend of its own for each row.

Nothing of the model is written, so the base stays as it is bit for bit, gradients reach every factor, and
each row of a batch may wear another blend in one forward pass.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import TracebackType

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

    def applied(
        self, seen: Tensor, own: Tensor, weights: Float[Tensor, "rows_or_1 styles"]
    ) -> Float[Tensor, "rows positions out"]:
        """The update's output from what both down sides saw of the input.

        Args:
            seen: (rows, positions, k_in), the input through `into`.
            own: (rows, positions, R), the input through `down`.
            weights: Strength of each style in each row; one row serves all.
        """
        weights = weights.to(seen.dtype)
        cores = torch.einsum("bs,soi->boi", weights, self.cores.to(seen.dtype))
        shared = seen @ cores.mT @ self.out.to(seen.dtype).mT
        return shared + (own * weights[:, None, self.owner]) @ self.up.to(seen.dtype).mT


class LiveInjection:
    """Live engine: forward hooks that add the update of a blend to every module's output.

    Wears nothing at first. Leaving the `with` block, also through an exception, takes every hook away.

    Args:
        modules: The base model's modules by the path of their weight.
        paths: Every parameter that may be updated.

    Raises:
        InvalidRequestError: an update for a grouped convolution, which has no plain low-rank form.
    """

    def __init__(self, modules: Mapping[ModulePath, nn.Module], paths: Iterable[ModulePath]) -> None:
        self._updates: Mapping[ModulePath, StackedUpdate] = {}
        self._weights = torch.zeros(1, 0)
        self._handles: list[RemovableHandle] = []
        for home in dict.fromkeys(path._replace(parameter="weight") for path in paths):
            module = modules[home]
            if isinstance(module, nn.Conv2d) and module.groups != 1:
                raise InvalidRequestError(
                    f"{home} is a grouped convolution: use the merged engine for its styles"
                )
            self._handles.append(module.register_forward_hook(partial(self._add, home)))

    def wear(
        self, updates: Mapping[ModulePath, StackedUpdate], weights: Float[Tensor, "rows_or_1 styles"]
    ) -> None:
        """Let the next forward passes add these updates.

        Args:
            updates: Stacked for S styles.
            weights: Strengths; one row for all, or as many rows as the batch that will pass through.
        """
        self._updates, self._weights = updates, weights

    def eject(self) -> None:
        """Take every hook away."""
        for handle in self._handles:
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
            output = output + self._of_weight(update, module, x, output)
        if bias := self._updates.get(home._replace(parameter="bias")):
            output = output + _placed(self._vector(bias, output), module, output)
        return output

    def _of_weight(self, update: StackedUpdate, module: nn.Module, x: Tensor, output: Tensor) -> Tensor:
        if isinstance(module, nn.Linear):
            rows = x.reshape(x.shape[0], -1, x.shape[-1])
            seen, own = rows @ update.into.to(x.dtype), rows @ update.down.to(x.dtype).mT
            return update.applied(seen, own, self._weights).view(output.shape)
        if isinstance(module, nn.Conv2d):
            seen, own = _through(module, x, update.into.mT), _through(module, x, update.down)
            return update.applied(seen, own, self._weights).mT.reshape(output.shape)
        return _normalised(module, x) * _placed(self._vector(update, output), module, output)

    def _vector(self, update: StackedUpdate, like: Tensor) -> Tensor:
        """(rows, out): the update of a parameter that is a vector, a matrix of one column."""
        one = torch.ones(1, 1, 1, device=like.device, dtype=like.dtype)
        seen, own = one @ update.into.to(like.dtype), one @ update.down.to(like.dtype).mT
        return update.applied(seen, own, self._weights)[:, 0]


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
