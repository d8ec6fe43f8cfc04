"""The tensors that make up one parameter's update, and how they become canonical factors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from eigenlorax.errors import StudioError
from eigenlorax.formats.algorithms import ALGORITHMS
from eigenlorax.formats.algorithms.algorithm import Algorithm, Shapes
from eigenlorax.formats.algorithms.magnitude import MAGNITUDE_ROLES, magnitude_misfit, with_magnitude
from eigenlorax.formats.decompose import low_rank
from eigenlorax.formats.report import ModuleReport
from eigenlorax.formats.scaling import layer_scale
from eigenlorax.lora import LoRALayer, joined
from eigenlorax.module_path import ModulePath, ModuleShape

BaseWeight = Callable[[ModulePath], Tensor]
"""Gives a parameter of the loaded base as a float32 (out, in * kernel) matrix."""

_SPARSE_ROLES = frozenset({"bias_indices", "bias_values", "bias_size"})
FOLDED_ROLES = frozenset({"alpha", "scale"})


@dataclass(frozen=True)
class Parts:
    """One parameter's update as a file stores it.

    Attributes:
        path: The parameter that is changed.
        shape: Its shape in the loaded base.
        keys: Role -> tensor name in the file.
        shapes: Role -> shape in the file.
        algorithms: Whose updates are summed; nearly always one.
        configured_scale: alpha / rank from the adapter's configuration, if it has one.
    """

    path: ModulePath
    shape: ModuleShape
    keys: Mapping[str, str]
    shapes: Shapes
    algorithms: tuple[Algorithm, ...]
    configured_scale: float | None

    @property
    def used_roles(self) -> frozenset[str]:
        """Roles that take part in the update."""
        known = _SPARSE_ROLES | MAGNITUDE_ROLES | FOLDED_ROLES
        return frozenset(self.keys) & known.union(*(algorithm.roles for algorithm in self.algorithms))

    @property
    def needs_base(self) -> bool:
        """True when the update can only be computed against a base weight."""
        return bool(MAGNITUDE_ROLES & self.keys.keys()) or any(a.needs_base for a in self.algorithms)

    def report(self) -> ModuleReport:
        """The algorithm by name, the rank, and whether a base is needed."""
        names = [algorithm.name for algorithm in self.algorithms]
        if MAGNITUDE_ROLES & self.keys.keys():
            names.append("DoRA")
        ranks = [algorithm.rank(self.shapes) or 0 for algorithm in self.algorithms]
        return ModuleReport(" + ".join(names), max(ranks), self.needs_base)


class DoesNotFit(StudioError):
    """The tensors make up an update, but one of another size than the loaded base has there."""


class Incomplete(StudioError):
    """The tensors make up no update: a factor is missing."""


def assemble(
    path: ModulePath,
    shape: ModuleShape,
    keys: Mapping[str, str],
    shapes: Shapes,
    configured_scale: Callable[[ModulePath, int], float | None],
) -> Parts:
    """Find the algorithms of one parameter's tensors.

    Args:
        path: The parameter.
        shape: Its shape in the base.
        keys: Role -> tensor name.
        shapes: Role -> shape in the file.
        configured_scale: Gives alpha / rank for a path and a rank, or None when none is configured.

    Raises:
        Incomplete: a factor is missing; says which.
        DoesNotFit: the sizes differ from the base's; says both.
    """
    roles = frozenset(keys)
    algorithms = _algorithms_of(roles)
    if not algorithms:
        raise Incomplete(f"{path} {_what_is_missing(roles)}")
    misfits = [algorithm.misfit(shapes, shape) for algorithm in algorithms]
    misfits.append(magnitude_misfit(shapes, shape))
    for reason in filter(None, misfits):
        raise DoesNotFit(f"{path} {reason}")
    ranks = [rank for algorithm in algorithms if (rank := algorithm.rank(shapes))]
    scale = configured_scale(path, ranks[0]) if ranks else None
    return Parts(path, shape, keys, shapes, algorithms, scale)


@lru_cache(maxsize=1024)
def _algorithms_of(roles: frozenset[str]) -> tuple[Algorithm, ...]:
    """Cached: a file has a thousand modules but only a few kinds of them."""
    return tuple(algorithm for algorithm in ALGORITHMS if algorithm.matches(roles))


def _what_is_missing(roles: frozenset[str]) -> str:
    started = [
        (needed - roles, algorithm.name)
        for algorithm in ALGORITHMS
        for needed in algorithm.needs
        if needed & roles
    ]
    if not started:
        return f"holds only {', '.join(sorted(roles))}, which is no update"
    missing, name = min(started, key=lambda way: len(way[0]))
    return f"is a {name} that lacks its {' and '.join(sorted(missing))}"


def build_layer(parts: Parts, tensors: Mapping[str, Tensor], base_weight: BaseWeight) -> LoRALayer:
    """Compute the canonical float32 factors of one parameter's update.

    Args:
        parts: What the file holds for it.
        tensors: Role -> float32 values, which are consumed: the result may be made of their memory.
        base_weight: Asked only when `parts.needs_base`.
    """
    base = base_weight(parts.path) if parts.needs_base else torch.empty(0)
    alpha, explicit = _number(tensors.get("alpha")), _number(tensors.get("scale"))
    updates = []
    for algorithm in parts.algorithms:
        update = algorithm.update(tensors, alpha or 0.0, base, parts.shape)
        rank = algorithm.rank(parts.shapes)
        factor = layer_scale(rank, alpha, explicit, parts.configured_scale) if rank else 1.0
        if tensors.keys() >= _SPARSE_ROLES:
            update = _dense(update) + _sparse(tensors).reshape(parts.shape.matrix)
        # In place: a scaled copy of every factor would leave a hole in memory for each.
        (update.up if isinstance(update, LoRALayer) else update).mul_(factor)
        updates.append(update)
    if not MAGNITUDE_ROLES & tensors.keys() and all(isinstance(u, LoRALayer) for u in updates):
        return joined([update for update in updates if isinstance(update, LoRALayer)])
    total = torch.stack([_dense(update) for update in updates]).sum(0)
    if MAGNITUDE_ROLES & tensors.keys():
        total = with_magnitude(total, tensors, base, parts.shape)
    return low_rank(total)


def _dense(update: LoRALayer | Tensor) -> Tensor:
    return update.up @ update.down if isinstance(update, LoRALayer) else update


def _sparse(tensors: Mapping[str, Tensor]) -> Tensor:
    size = [int(n) for n in tensors["bias_size"].flatten().tolist()]
    indices = tensors["bias_indices"].long()
    return torch.sparse_coo_tensor(indices, tensors["bias_values"], size).to_dense()


def _number(tensor: Tensor | None) -> float | None:
    return None if tensor is None else float(tensor.flatten()[0])
