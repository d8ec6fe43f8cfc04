"""Frozen columns by the names of a model's modules, told apart by their hash."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from eigenlorax.errors import StudioError
from eigenlorax.module_path import Component
from eigenlorax.subspace.numbers import raw
from eigenlorax.subspace.subspace import Subspace

OUT, INTO = ".out", ".into"


class AdapterError(StudioError, ValueError):
    """An adapter cannot be made or loaded as asked; a ValueError too, as users of peft expect."""


@dataclass(frozen=True)
class Columns:
    """What one module's updates are written in: dW = out @ core @ into^T.

    Attributes:
        out: float32; orthonormal unless its owner chose otherwise.
        into: float32 likewise; a kernel is flattened into the rows.
    """

    out: Float[Tensor, "out k_out"]
    into: Float[Tensor, "into k_in"]

    @property
    def size(self) -> tuple[int, int]:
        """(k_out, k_in)."""
        return self.out.shape[1], self.into.shape[1]

    def first(self, count: int | None) -> "Columns":
        """The leading columns of each side, at most so many."""
        return self if count is None else Columns(self.out[:, :count], self.into[:, :count])


def hash_of(columns: Mapping[str, Columns]) -> str:
    """SHA-256 (hex) over names, shapes and numbers; modules without columns do not count."""
    digest = hashlib.sha256()
    for name in sorted(columns):
        if any(columns[name].size):
            digest.update(name.encode())
            for side in (columns[name].out, columns[name].into):
                digest.update(f"{tuple(side.shape)} {side.dtype}".encode())
                digest.update(raw(side.detach().cpu()))
    return digest.hexdigest()


def columns_of_subspace(subspace: Subspace, component: Component) -> dict[str, Columns]:
    """The columns of one part of a pipeline, by canonical module name; those of weights only."""
    return {
        path.name: Columns(basis.out, basis.into)
        for path, basis in subspace.bases.items()
        if path.component is component and path.parameter == "weight"
    }


def columns_of_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Columns]:
    """The columns in a state dict of `<module>.out` and `<module>.into`.

    Raises:
        AdapterError: something else is in it, one of a pair is missing, or it is no matrix.
    """
    names = {key.removesuffix(OUT).removesuffix(INTO) for key in tensors}
    if strangers := sorted(set(tensors) - {name + side for name in names for side in (OUT, INTO)}):
        raise AdapterError(f"{strangers[0]} is no column: name them <module>.out and <module>.into")
    found = {}
    for name in sorted(names):
        for side in (OUT, INTO):
            if name + side not in tensors or tensors[name + side].dim() != 2:
                raise AdapterError(
                    f"the basis has no matrix {name + side}: give <module>.out and <module>.into"
                )
        found[name] = Columns(tensors[name + OUT].float(), tensors[name + INTO].float())
    return found


def by_name(source: Mapping[str, Columns], name: str) -> Columns | None:
    """A module's columns; CLIPTextModel has lost the `text_model.` level that canonical names carry."""
    return source.get(name, source.get(f"text_model.{name}"))
