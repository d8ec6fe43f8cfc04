"""What a collection of LoRAs has in common, before anything is compressed: measured, never assumed.

All figures are about squared Frobenius norm ("energy") of the weight updates, with each LoRA scaled to norm 1
over all its modules. They say what a shared store can keep, not what a picture looks like.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, count, takewhile
from math import hypot, sqrt

import torch
from torch import Tensor

from eigenlorax.errors import InvalidRequestError
from eigenlorax.lora import LoRA
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.basis import CanonicalLayer, canonical
from eigenlorax.subspace.clusters import cluster
from eigenlorax.subspace.module_census import Certificate, ModuleCensus, ModuleSide, Stack, curve, measure
from eigenlorax.subspace.overlap import coverage, gather, inner_products

OWN_RANKS = (1, 2, 4, 8)
#: Cosine of two whole updates above which one LoRA is a near copy of the other.
NEAR_COPY = 0.98
#: Mean cosine at which LoRAs count as one group: a tenth of each one's energy then lies along the other.
ALIKE = 0.3
#: Share of a leading direction's energy above which one LoRA dominates, in a collection of four or more.
DOMINANT = 0.5
_FEWEST = 4
#: Random orders that the saturation curves are averaged over: one alone moves them by some hundredths.
_ORDERS = 3


@dataclass(frozen=True)
class CensusProgress:
    """One more LoRA is measured, or one more module compared."""

    done: int
    total: int
    what: str


@dataclass(frozen=True)
class Member:
    """One LoRA of the collection.

    Attributes:
        norm: ||dW|| over all modules, as imported.
        modules: How many it changes.
        tails: k -> share of its energy that its own rank-k truncation loses.
        coverage: Share of its energy inside the span of all the others, both sides.
        expected: The same for random frames of the others' dimensions: what chance gives.
        nearest: The LoRA whose update is most alike; empty for a collection of one.
        cosine: Cosine of the two.
    """

    name: str
    norm: float
    modules: int
    tails: Mapping[int, float]
    coverage: float
    expected: float
    nearest: str
    cosine: float

    @property
    def beyond_chance(self) -> float:
        """(coverage - expected) / (1 - expected): 0 for a stranger, 1 when the others hold all of it."""
        room = 1.0 - self.expected
        return min(1.0, max(0.0, (self.coverage - self.expected) / room)) if room > 1e-6 else 0.0


@dataclass(frozen=True)
class Side:
    """The stacked spectra of one side, over all modules.

    Attributes:
        kept: Share of energy that the K leading directions of each module keep, by `Census.directions`.
        random: The same for random frames with the same singular values.
        loads: For each leading direction, the share of its energy that each LoRA carries.
        carriers: For each leading direction, how many LoRAs carry it in a module (1 / sum of squared
            shares), averaged over modules by energy: 1 when every module's is one LoRA's own.
        random_carriers: The same for the random frames.
    """

    kept: tuple[float, ...]
    random: tuple[float, ...]
    loads: tuple[tuple[float, ...], ...]
    carriers: tuple[float, ...]
    random_carriers: tuple[float, ...]


@dataclass(frozen=True)
class Census:
    """A collection's shared structure.

    Attributes:
        members: In the order given.
        directions: The values of K of all curves.
        others: The values of n of both saturation curves; empty for a collection of one.
        saturation: Mean coverage of a LoRA by n others, over all LoRAs and three random orders.
        saturation_expected: The same by chance.
        cosines: Of every pair of whole updates.
        cosine_by_chance: Root mean square cosine that pairs of random frames would have.
        clusters: Names of LoRAs that are alike; near copies are alike too.
        near_copies: Pairs with a cosine above 0.98.
        order: Names such that alike LoRAs stand beside each other.
        certificates: One for each module, by `directions`.
        bound: Share of energy that K x K cores must lose at least, over all modules.
        hosvd: Share that the HOSVD's bases lose.
    """

    members: tuple[Member, ...]
    directions: tuple[int, ...]
    out: Side
    into: Side
    others: tuple[int, ...]
    saturation: tuple[float, ...]
    saturation_expected: tuple[float, ...]
    cosines: tuple[tuple[float, ...], ...]
    cosine_by_chance: float
    clusters: tuple[tuple[str, ...], ...]
    near_copies: tuple[tuple[str, str], ...]
    order: tuple[str, ...]
    certificates: tuple[Certificate, ...]
    bound: tuple[float, ...]
    hosvd: tuple[float, ...]

    @property
    def dominant(self) -> tuple[str, ...]:
        """LoRAs that carry over half of a side's leading direction; empty for fewer than four LoRAs."""
        if len(self.members) < _FEWEST:
            return ()
        loads = [max(shares) for shares in zip(self.out.loads[0], self.into.loads[0], strict=True)]
        return tuple(member.name for member, load in zip(self.members, loads, strict=True) if load > DOMINANT)


def take_census(loras: Sequence[LoRA], seed: int = 0) -> Generator[CensusProgress, None, Census]:
    """Measure what LoRAs share, holding one module of all LoRAs at a time, in core space only.

    Work per module grows with the third power of the sum of ranks, whatever the module's size.

    Args:
        loras: Names are unique; ranks and modules may differ.
        seed: Of the random frames and of the random orders; equal seeds give equal figures.

    Yields:
        Progress, once per LoRA, then once per module.

    Raises:
        InvalidRequestError: no LoRA, or none that changes anything.
    """
    norms: list[float] = []
    modules = sorted({path for lora in loras for path in lora.layers})
    total = len(loras) + len(modules)
    for lora in loras:
        norms.append(hypot(*(lora.layers[path].norm for path in lora.layers)))
        yield CensusProgress(len(norms), total, lora.name)
    if not any(norms):
        raise InvalidRequestError(
            "there is nothing to compare: choose at least one LoRA that changes weights"
        )
    tally = _Tally(norms, torch.Generator().manual_seed(seed))
    for done, path in enumerate(modules, start=len(loras) + 1):
        layers = {i: canonical(lora.layers[path]) for i, lora in enumerate(loras) if path in lora.layers}
        tally.add(path, layers)
        yield CensusProgress(done, total, str(path))
    return tally.census(loras)


class _Tally:
    """Sums over modules, float64."""

    def __init__(self, norms: Sequence[float], generator: torch.Generator) -> None:
        self._norms, self._generator = norms, generator
        self._weights = [1.0 / norm if norm > 0.0 else 0.0 for norm in norms]
        size = len(norms)
        self._orders = [torch.randperm(size, generator=generator).tolist() for _ in range(_ORDERS)]
        self._others = _up_to(size - 1, lambda power: 2**power)
        self._covered = torch.zeros(len(self._others), 2, size, dtype=torch.float64)
        self._products, self._chance = torch.zeros(2, size, size, dtype=torch.float64)
        self._tails = torch.zeros(len(OWN_RANKS), size, dtype=torch.float64)
        self._modules: list[ModuleCensus] = []

    def add(self, path: ModulePath, layers: Mapping[int, CanonicalLayer]) -> None:
        size = len(self._norms)
        for index, layer in layers.items():
            energy = (layer.s.double() * self._weights[index]).square()
            self._tails[:, index] += torch.stack([energy[rank:].sum() for rank in OWN_RANKS])
        columns = gather(layers, self._weights)
        if not columns.energy > 0.0:
            return
        own = columns.per_lora(columns.sigma.square(), size)
        self._chance += own[:, None] * own / (columns.shape[0] * columns.shape[1])
        self._products += inner_products(columns, size)
        for row, others in enumerate(self._others):
            orders = self._orders if others < size - 1 else self._orders[:1]  # all the others have no order
            for order in orders:
                self._covered[row] += torch.stack(coverage(columns, order, others)) / len(orders)
        self._modules.append(measure(path, columns, size, self._generator))

    def census(self, loras: Sequence[LoRA]) -> Census:
        names = [lora.name for lora in loras]
        found = cluster(self._products.tolist(), ALIKE)
        pairs = list(combinations(range(len(loras)), 2))
        active = [index for index, norm in enumerate(self._norms) if norm > 0.0]
        means = self._covered[:, :, active].mean(2).clamp(min=0.0, max=1.0).T.tolist()
        widest = max(module.cores.numel() for module in self._modules)
        steps = _up_to(widest, lambda n: 2 ** ((n + 1) // 2) if n % 2 or n == 0 else 3 * 2 ** (n // 2 - 1))
        whole = sum(module.energy for module in self._modules)
        certificates = tuple(module.certificate(steps, whole) for module in self._modules)
        shares = torch.tensor([c.energy for c in certificates], dtype=torch.float64)
        return Census(
            members=tuple(self._member(index, lora, names) for index, lora in enumerate(loras)),
            directions=steps,
            out=_side([module.out for module in self._modules], steps, whole),
            into=_side([module.into for module in self._modules], steps, whole),
            others=self._others,
            saturation=tuple(means[0]),
            saturation_expected=tuple(means[1]),
            cosines=tuple(map(tuple, self._products.clamp(min=-1.0, max=1.0).tolist())),
            cosine_by_chance=_root_mean([float(self._chance[pair]) for pair in pairs]),
            clusters=tuple(tuple(names[index] for index in group) for group in found.groups),
            near_copies=tuple((names[i], names[j]) for i, j in pairs if self._products[i, j] > NEAR_COPY),
            order=tuple(names[index] for index in found.order),
            certificates=certificates,
            bound=_weighted(shares, [c.bound for c in certificates]),
            hosvd=_weighted(shares, [c.hosvd for c in certificates]),
        )

    def _member(self, index: int, lora: LoRA, names: Sequence[str]) -> Member:
        alike = self._products[index].clone()
        alike[index] = -2.0
        nearest = int(alike.argmax())
        covered, expected = self._covered[-1, :, index].tolist() if self._others else (0.0, 0.0)
        return Member(
            name=lora.name,
            norm=self._norms[index],
            modules=len(lora.layers),
            tails=dict(zip(OWN_RANKS, self._tails[:, index].tolist(), strict=True)),
            coverage=min(1.0, max(0.0, covered)),
            expected=min(1.0, expected),
            nearest=names[nearest] if len(names) > 1 else "",
            cosine=float(alike[nearest]) if len(names) > 1 else 0.0,
        )


def _side(sides: Sequence[ModuleSide], steps: Sequence[int], whole: float) -> Side:
    own, chance = [side.own for side in sides], [side.random for side in sides]
    loads = torch.stack([stack.loads for stack in own]).sum(0)
    return Side(
        _kept(own, steps, whole),
        _kept(chance, steps, whole),
        tuple(map(tuple, (loads / loads.sum(1, keepdim=True).clamp(min=1e-300)).tolist())),
        _carriers(own),
        _carriers(chance),
    )


def _kept(stacks: Sequence[Stack], steps: Sequence[int], whole: float) -> tuple[float, ...]:
    kept = torch.stack([curve(stack.kept, steps) for stack in stacks]).sum(0) / whole
    return tuple(kept.clamp(max=1.0).tolist())


def _carriers(stacks: Sequence[Stack]) -> tuple[float, ...]:
    energy = torch.stack([stack.loads.sum(1) for stack in stacks])
    counts = torch.stack([stack.carriers for stack in stacks])
    return tuple(((energy * counts).sum(0) / energy.sum(0).clamp(min=1e-300)).tolist())


def _up_to(last: int, step: Callable[[int], int]) -> tuple[int, ...]:
    """The steps below `last`, then `last` itself."""
    return (*takewhile(lambda value: value < last, map(step, count())), last) if last > 0 else ()


def _weighted(weights: Tensor, rows: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple((weights @ torch.tensor(rows, dtype=torch.float64)).tolist())


def _root_mean(squares: Sequence[float]) -> float:
    return sqrt(sum(squares) / len(squares)) if squares else 0.0
