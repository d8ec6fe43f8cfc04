"""Fit a subspace to a collection, one module at a time, and bring every LoRA into it."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from math import hypot, sqrt

from torch import Tensor

from eigenlorax.errors import InvalidRequestError
from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.allocate import Choices, Option, within_budget, within_error
from eigenlorax.subspace.basis import (
    Basis,
    CanonicalLayer,
    canonical,
    empty_basis,
    even_factors,
    missed,
    project,
)
from eigenlorax.subspace.fidelity import Fidelity, measure
from eigenlorax.subspace.frames import hooi, hosvd
from eigenlorax.subspace.options import options_of
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace


@dataclass(frozen=True)
class Goal:
    """What the store is made for: a quality, or a number of bytes. Exactly one of the two.

    Attributes:
        retain: Mean over LoRAs of the share of squared Frobenius norm to keep, in (0, 1].
        number_bytes: Most bytes that all stored numbers may take together, headers not counted.
    """

    retain: float | None = None
    number_bytes: int | None = None

    def check(self) -> None:
        """Raises InvalidRequestError when the goal cannot be meant."""
        if (self.retain is None) == (self.number_bytes is None):
            raise InvalidRequestError("choose either a quality (retain) or a size in bytes")
        if self.retain is not None and not 0.0 < self.retain <= 1.0:
            raise InvalidRequestError(f"retain is {self.retain}: choose a fraction above 0 and at most 1")
        if self.number_bytes is not None and self.number_bytes < 1:
            raise InvalidRequestError(f"a store of {self.number_bytes} bytes cannot be made: choose more")


@dataclass(frozen=True)
class FitProgress:
    """One more module is done; each is looked at twice, to weigh its options and to take the chosen one."""

    done: int
    total: int
    module: ModulePath


@dataclass(frozen=True)
class Projection:
    """One LoRA's place in a subspace: its cores, its private residuals, and what was lost."""

    cores: Mapping[ModulePath, Tensor]
    residuals: Mapping[ModulePath, LoRALayer]
    ranks: Mapping[ModulePath, int]
    fidelity: Fidelity


@dataclass(frozen=True)
class Fit:
    """A fitted subspace with every LoRA of the collection in it, by name."""

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
                residuals=projection.residuals,
            )
            for name, projection in self.projections.items()
        }


def fit(
    loras: Sequence[LoRA],
    file_bytes: Mapping[str, int],
    layout: str,
    goal: Goal,
    importance: Mapping[ModulePath, float] | None = None,
) -> Generator[FitProgress, None, Fit]:
    """Fit shared bases, buy private ranks where they pay, and bring each LoRA in.

    Holds one module of all LoRAs at a time and passes over the collection twice: first to learn what each
    number of shared columns would keep (HOSVD), then, once bytes are allocated over all modules, to make the
    chosen bases (refined by HOOI where no private rank relies on them), cores and residuals. Each LoRA is
    weighted by the inverse of its total norm: its strength is a choice of its author, not a claim on the
    basis; the cores carry the true strength.

    Args:
        loras: The collection; names are unique, ranks and modules may differ.
        file_bytes: LoRA name -> size of its file, for the report.
        layout: Hash of the base model's layout.
        goal: What to aim at.
        importance: Factor on each module's squared error, by what a change of it does to the model, such as
            1 / ||W||^2; by default all alike. Bytes go where they matter; `retain` counts in this measure.

    Yields:
        Progress, twice per module.

    Returns:
        The subspace and the projections.

    Raises:
        InvalidRequestError: no LoRA, or a goal that cannot be meant.

    Source: arXiv:2502.04700 in the two-sided form dW = U M V^T (Tucker-2), with private residuals.
    """
    if not loras:
        raise InvalidRequestError("there is nothing to compress: choose at least one usable LoRA")
    goal.check()
    modules = sorted({path for lora in loras for path in lora.layers})
    factors = {path: 1.0 if importance is None else sqrt(importance[path]) for path in modules}
    norms = {lora.name: _norm(lora, factors) for lora in loras}
    weights = {name: 1.0 / norm if norm > 0.0 else 0.0 for name, norm in norms.items()}
    options: dict[ModulePath, list[Option]] = {}
    for done, path in enumerate(modules, start=1):
        layers = _layers(loras, path)
        own = [weights[name] * factors[path] for name in layers]
        options[path] = options_of(list(layers.values()), own, hosvd(list(layers.values()), own))
        yield FitProgress(done, 2 * len(modules), path)
    choices = _choose(options, goal, sum(weight > 0.0 for weight in weights.values()))
    making = {lora.name: _Making() for lora in loras}
    bases: dict[ModulePath, Basis] = {}
    for done, path in enumerate(modules, start=len(modules) + 1):
        layers = _layers(loras, path)
        bases[path] = _settle(path, layers, weights, choices, making)
        yield FitProgress(done, 2 * len(modules), path)
    projections = {
        name: Projection(
            made.cores, made.residuals, made.ranks,
            measure(made.energies, made.kept, file_bytes.get(name, 0)),
        )
        for name, made in making.items()
    }  # fmt: skip
    sources = {lora.name: lora.sha256 for lora in loras}
    kept = [projection.fidelity.energy_kept for projection in projections.values()]
    return Fit(Subspace(bases, layout, sources, sum(kept) / len(kept)), projections)


@dataclass
class _Making:
    """One style while it is being made, module by module."""

    cores: dict[ModulePath, Tensor] = field(default_factory=dict)
    residuals: dict[ModulePath, LoRALayer] = field(default_factory=dict)
    ranks: dict[ModulePath, int] = field(default_factory=dict)
    energies: dict[ModulePath, float] = field(default_factory=dict)
    kept: dict[ModulePath, float] = field(default_factory=dict)


def _layers(loras: Sequence[LoRA], path: ModulePath) -> dict[str, CanonicalLayer]:
    return {lora.name: canonical(lora.layers[path]) for lora in loras if path in lora.layers}


def _choose(options: Mapping[ModulePath, list[Option]], goal: Goal, styles: int) -> Choices:
    if goal.number_bytes is not None:
        return within_budget(options, goal.number_bytes)
    # Weighted by 1 / norm, the squared errors of a style sum up to the share of it that is lost.
    return within_error(options, (1.0 - (goal.retain or 0.0)) * styles)


def _settle(
    path: ModulePath,
    layers: Mapping[str, CanonicalLayer],
    weights: Mapping[str, float],
    choices: Choices,
    making: Mapping[str, _Making],
) -> Basis:
    """Make the chosen basis of one module, and every style's core and residual in it."""
    own = [weights[name] for name in layers]
    choice = choices[path]
    forms = list(layers.values())
    if not choice.option.k_out:
        basis = empty_basis(forms[0].p.shape[0], forms[0].q.shape[0])
    else:
        basis = hosvd(forms, own).first(choice.option.k_out, choice.option.k_in)
        basis = basis if choice.bought else hooi(forms, own, basis)
    bought = _bought(layers, weights, basis, choice.bought)
    for name, layer in layers.items():
        made = making[name]
        core = project(layer, basis)
        made.cores[path], made.ranks[path] = core, layer.s.shape[0]
        made.energies[path] = layer.energy
        made.kept[path] = float(core.double().square().sum())
        if residual := bought.get(name):
            made.residuals[path] = residual
            made.kept[path] += float(
                residual.down.double().square().sum(1) @ residual.up.double().square().sum(0)
            )
    return basis


def _bought(
    layers: Mapping[str, CanonicalLayer], weights: Mapping[str, float], basis: Basis, count: int
) -> dict[str, LoRALayer]:
    """The `count` private ranks of a module that take away the most weighted error, by style."""
    if not count:
        return {}
    rests = {name: missed(layer, basis) for name, layer in layers.items()}
    worth = sorted(
        ((float(s) * weights[name], name) for name, rest in rests.items() for s in rest.s), reverse=True
    )
    ranks = {name: sum(owner == name for _, owner in worth[:count]) for name in rests}
    return {name: even_factors(rests[name], rank) for name, rank in ranks.items() if rank}


def _norm(lora: LoRA, factors: Mapping[ModulePath, float]) -> float:
    """||dW|| over all modules, each by its importance."""
    return hypot(*(lora.layers[path].norm * factors[path] for path in lora.layers))
