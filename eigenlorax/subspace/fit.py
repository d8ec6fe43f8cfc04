"""Fit a subspace to a collection, one module at a time, and bring every LoRA into it."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import hypot, sqrt

import torch

from eigenlorax.errors import InvalidRequestError
from eigenlorax.lora import LoRA
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.allocate import Choice, Choices, Option, within_budget, within_error
from eigenlorax.subspace.basis import Basis, CanonicalLayer, empty_basis, missed, project
from eigenlorax.subspace.frames import hooi, hosvd, no_frames
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.options import options_of, residual_energies
from eigenlorax.subspace.projection import Projecting, Projection
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.subspace.updates import Updates

_CPU = torch.device("cpu")
_NOBODY: Mapping[str, str] = {}


@dataclass(frozen=True)
class Goal:
    """What the store is made for: a quality, or a number of bytes. Exactly one of the two.

    Attributes:
        retain: Mean over LoRAs of the share of squared Frobenius norm to keep, in (0, 1].
        number_bytes: Most bytes that all stored numbers may take together, headers not counted.
        numbers: What is stored. In int8 as many numbers take half the bytes and their rounding costs less
            than a ten thousandth of the squared norm.
    """

    retain: float | None = None
    number_bytes: int | None = None
    numbers: Numbers = Numbers.FP16

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
    """One more module is done; a fit looks at each twice, to weigh its options and to take the chosen one."""

    done: int
    total: int
    module: ModulePath


@dataclass(frozen=True)
class Fit:
    """A fitted subspace with every LoRA of the collection in it, by name."""

    subspace: Subspace
    projections: Mapping[str, Projection]

    def styles(self, trigger_words: Mapping[str, tuple[str, ...]]) -> dict[str, Style]:
        """Every LoRA as a style, by name, with its own trigger words."""
        return {
            name: projection.style(name, self.subspace.hash, trigger_words[name], self.subspace.sources[name])
            for name, projection in self.projections.items()
        }


def fit(
    loras: Sequence[LoRA],
    file_bytes: Mapping[str, int],
    layout: str,
    goal: Goal,
    importance: Mapping[ModulePath, float] | None = None,
    device: torch.device = _CPU,
    outside: Mapping[str, str] = _NOBODY,
) -> Generator[FitProgress, None, Fit]:
    """Fit shared bases, buy private ranks where they pay, and bring each LoRA in.

    Holds one module of all LoRAs at a time, or one LoRA's where even that is too much, and passes over the
    collection twice: first to learn what each number of shared columns would keep (HOSVD), then, once bytes
    are allocated over all modules, to make the chosen bases (refined by HOOI where no private rank relies on
    them), cores and residuals. Each LoRA is weighted by the inverse of its total norm: its strength is a
    choice of its author, not a claim on the basis; the cores carry the true strength.

    Args:
        loras: The collection; names are unique, ranks and modules may differ.
        file_bytes: LoRA name -> size of its file, for the report.
        layout: Hash of the base model's layout.
        goal: What to aim at.
        importance: Factor on each module's squared error, by what a change of it does to the model; by
            default all alike. Bytes go where they matter; `retain` counts in this measure.
        device: Where the decompositions run; the outcome is on the CPU.
        outside: LoRA -> why it has no say in the bases and no core in them, only private ranks.

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
    # Not `path in lora.layers`, which for layers on disk reads one to see if it is there.
    changed = [(lora, frozenset(lora.layers)) for lora in loras]
    inside = [(lora, paths) for lora, paths in changed if lora.name not in outside]
    apart = [(lora, paths) for lora, paths in changed if lora.name in outside]
    modules = sorted(frozenset[ModulePath]().union(*(paths for _, paths in changed)))
    factors = {path: 1.0 if importance is None else sqrt(importance[path]) for path in modules}
    norms = {lora.name: _norm(lora, factors) for lora in loras}
    weights = {name: 1.0 / norm if norm > 0.0 else 0.0 for name, norm in norms.items()}
    options: dict[ModulePath, list[Option]] = {}
    bases: dict[ModulePath, Basis] = {}
    for done, path in enumerate(modules, start=1):
        near, far = _updates(inside, path, device), _updates(apart, path, device)
        own, private = ([weights[name] * factors[path] for name in updates.names] for updates in (near, far))
        frames = hosvd(near, own) if near.names else no_frames(far)
        options[path] = options_of(near, own, frames, goal.numbers, _alone(far, private))
        bases[path] = empty_basis(frames.out.shape[0], frames.into.shape[0], goal.numbers)
        yield FitProgress(done, 2 * len(modules), path)
    choices = _choose(options, goal, sum(weight > 0.0 for weight in weights.values()))
    making = {lora.name: Projecting() for lora in loras}
    for done, path in enumerate(modules, start=len(modules) + 1):
        near, far = _updates(inside, path, device), _updates(apart, path, device)
        own, private = ([weights[name] for name in updates.names] for updates in (near, far))
        empty = bases[path]
        bases[path] = _basis(near, own, choices[path], empty)
        homes = dict.fromkeys(near.names, bases[path]) | dict.fromkeys(far.names, empty)
        _place(path, [near, far], [*own, *private], homes, bases[path], choices[path].ranks, making)
        yield FitProgress(done, 2 * len(modules), path)
    projections = {name: made.done(file_bytes.get(name, 0)) for name, made in making.items()}
    sources = {lora.name: lora.sha256 for lora in loras}
    kept = [projection.fidelity.energy_kept for projection in projections.values()]
    made_of = {name: why for name, why in outside.items() if name in sources}
    subspace = Subspace(bases, layout, sources, sum(kept) / len(kept), excluded=made_of)
    return Fit(subspace, projections)


def _choose(options: Mapping[ModulePath, list[Option]], goal: Goal, styles: int) -> Choices:
    if goal.number_bytes is not None:
        return within_budget(options, goal.number_bytes)
    # Weighted by 1 / norm, the squared errors of a style sum up to the share of it that is lost.
    return within_error(options, (1.0 - (goal.retain or 0.0)) * styles)


def _updates(
    changed: Sequence[tuple[LoRA, frozenset[ModulePath]]], path: ModulePath, device: torch.device
) -> Updates:
    return Updates([lora for lora, paths in changed if path in paths], path, device)


def _alone(updates: Updates, weights: Sequence[float]) -> list[list[float]]:
    """Weighted energies of the ranks of each update that keeps apart."""
    return [(layer.s.double() * w).square().tolist() for layer, w in zip(updates, weights, strict=True)]


def _basis(updates: Updates, weights: Sequence[float], choice: Choice, empty: Basis) -> Basis:
    if not choice.option.k_out:
        return empty
    wanted = choice.option.k_out, choice.option.k_in
    basis = hosvd(updates, weights, wanted).first(*wanted, empty.numbers)
    return basis if choice.ranks else hooi(updates, weights, basis)


def _place(
    path: ModulePath,
    sides: Sequence[Updates],
    weights: Sequence[float],
    homes: Mapping[str, Basis],
    home: Basis,
    count: int,
    making: Mapping[str, Projecting],
) -> None:
    """Give every style its core and its private ranks of one module, `count` of them over all styles."""
    names = [name for updates in sides for name in updates.names]
    ranks = _private_ranks(sides, names, weights, homes, count)
    for name, rank, layer in zip(names, ranks, chain(*sides), strict=True):
        near, basis = _on_cpu(layer), homes[name]
        apart = basis is not home  # it has no share in the columns
        core = torch.zeros(home.core_shape) if apart else project(near, basis)
        making[name].put_core(path, near, core, 1 if apart else near.s.shape[0], home.numbers)
        if rank:
            making[name].put_residual(path, missed(near, basis), rank, home.numbers)


def _private_ranks(
    sides: Sequence[Updates],
    names: Sequence[str],
    weights: Sequence[float],
    homes: Mapping[str, Basis],
    count: int,
) -> list[int]:
    """How many of the `count` private ranks that take away the most weighted error belong to each update."""
    worth: list[tuple[float, int]] = []
    for number, (name, layer, w) in enumerate(
        zip(names, chain(*sides), weights, strict=True) if count else ()
    ):
        near, basis = _on_cpu(layer), homes[name]
        seen = [basis.out.mT.double() @ near.p.double(), basis.into.mT.double() @ near.q.double()]
        gains = residual_energies((near.s.double() * w)[None], *((a.mT @ a)[None] for a in seen))
        worth += [(gain, number) for gain in gains[0].tolist()]
    ranks = [0] * len(weights)
    for _, number in sorted(worth, key=lambda item: (-item[0], item[1]))[:count]:
        ranks[number] += 1
    return ranks


def _on_cpu(layer: CanonicalLayer) -> CanonicalLayer:
    return CanonicalLayer(layer.p.cpu(), layer.s.cpu(), layer.q.cpu())


def _norm(lora: LoRA, factors: Mapping[ModulePath, float]) -> float:
    """||dW|| over all modules, each by its importance."""
    return hypot(*(lora.layers[path].norm * factors[path] for path in lora.layers))
