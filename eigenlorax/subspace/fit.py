"""Fit a subspace to a collection, one module at a time, and project every LoRA into it."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from math import hypot

from torch import Tensor

from eigenlorax.errors import InvalidRequestError
from eigenlorax.lora import LoRA
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.basis import Basis, canonical, hosvd, project
from eigenlorax.subspace.fidelity import Fidelity, measure
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace


@dataclass(frozen=True)
class FitProgress:
    """One more module is done."""

    done: int
    total: int
    module: ModulePath


@dataclass(frozen=True)
class Projection:
    """One LoRA's place in a subspace: its cores, its ranks, and what was lost."""

    cores: Mapping[ModulePath, Tensor]
    ranks: Mapping[ModulePath, int]
    fidelity: Fidelity


@dataclass(frozen=True)
class Fit:
    """A fitted subspace with every LoRA of the collection projected into it, by name."""

    subspace: Subspace
    projections: Mapping[str, Projection]

    def styles(self, trigger_words: Mapping[str, tuple[str, ...]]) -> dict[str, Style]:
        """Every LoRA as a style, by name, with its own trigger words."""
        return {
            name: Style(
                name=name,
                cores=projection.cores,
                subspace=self.subspace.hash,
                fidelity=projection.fidelity,
                trigger_words=trigger_words[name],
                source_sha256=self.subspace.sources[name],
                ranks=projection.ranks,
            )
            for name, projection in self.projections.items()
        }


def fit(
    loras: Sequence[LoRA], file_bytes: Mapping[str, int], layout: str, retain: float
) -> Generator[FitProgress, None, Fit]:
    """Fit shared bases by HOSVD and project each LoRA, holding one module of all LoRAs at a time.

    Each adapter is weighted by the inverse of its total norm: its strength is a choice of its author,
    not a claim on the basis; the cores carry the true strength.

    Args:
        loras: The collection; names are unique, ranks and modules may differ.
        file_bytes: LoRA name -> size of its file, for the report.
        layout: Hash of the base model's layout.
        retain: Fraction in (0, 1] of squared Frobenius norm that each side of each basis keeps.

    Yields:
        Progress, once per module.

    Returns:
        The subspace and the projections.

    Raises:
        InvalidRequestError: no LoRA, or `retain` outside (0, 1].

    Source: arXiv:2502.04700 in the two-sided form dW = U M V^T (Tucker-2).
    """
    if not loras:
        raise InvalidRequestError("there is nothing to compress: choose at least one usable LoRA")
    if not 0.0 < retain <= 1.0:
        raise InvalidRequestError(f"retain is {retain}: choose a fraction above 0 and at most 1")
    weights = {lora.name: _inverse_norm(lora) for lora in loras}
    modules = sorted({path for lora in loras for path in lora.layers})
    bases: dict[ModulePath, Basis] = {}
    cores: dict[str, dict[ModulePath, Tensor]] = {lora.name: {} for lora in loras}
    ranks: dict[str, dict[ModulePath, int]] = {lora.name: {} for lora in loras}
    energies: dict[str, dict[ModulePath, float]] = {lora.name: {} for lora in loras}
    for done, path in enumerate(modules, start=1):
        layers = {lora.name: canonical(lora.layers[path]) for lora in loras if path in lora.layers}
        basis = hosvd(list(layers.values()), [weights[name] for name in layers], retain)
        bases[path] = basis
        for name, layer in layers.items():
            cores[name][path] = project(layer, basis)
            ranks[name][path] = layer.s.shape[0]
            energies[name][path] = layer.energy
        yield FitProgress(done, len(modules), path)
    subspace = Subspace(bases, layout, {lora.name: lora.sha256 for lora in loras}, retain)
    projections = {}
    for name in cores:
        kept = {path: float(core.double().square().sum()) for path, core in cores[name].items()}
        projections[name] = Projection(
            cores[name], ranks[name], measure(energies[name], kept, file_bytes.get(name, 0))
        )
    return Fit(subspace, projections)


def _inverse_norm(lora: LoRA) -> float:
    """1 / ||dW|| over all modules; 0 for a LoRA that changes nothing."""
    norm = hypot(*(lora.layers[path].norm for path in lora.layers))
    return 1.0 / norm if norm > 0.0 else 0.0
