"""How the LoRAs of a collection relate: the same update twice, or one random start shared by several.

LoRAs trained from one seed share their down matrices almost exactly, since training hardly moves them.
A subspace fitted to such a collection looks far better than it is: what they share is the random start.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from jaxtyping import Float
from torch import Tensor

from eigenlorax.lora import LoRA
from eigenlorax.module_path import ModulePath

_MODULES = 12
_COLUMNS = 256
#: Median cosine of down rows above which two LoRAs had one random start. Files of the field show 0.99 or
#: more, small models trained at a high rate 0.7; the median of a dozen unrelated rows lies below 0.2.
SAME_START = 0.5
#: A single row must stand out of chance by so many standard deviations (1 / sqrt of its length) as well.
STANDS_OUT = 6.0
#: Relative difference below which two updates are one, whatever dialect or precision they were saved in.
SAME_UPDATE = 2e-3
#: Modules whose draws open the stream of random numbers, by the order in which trainers make them.
_MADE_FIRST = ("attn1.to_q", "proj_in", "self_attn.k_proj", "self_attn.q_proj")
#: Seeds that trainers and tutorials use.
KNOWN_SEEDS = (42, 1337, 0, 1, 1234, 12345, 23, 31337, 3407)


@dataclass(frozen=True)
class Sketch:
    """A few numbers of a few modules, enough to tell whether two LoRAs are related.

    Attributes:
        starts: Module -> first row of its down matrix as stored, cut to 256 columns.
        updates: Module -> first row of its update, cut to 256 columns.
        first: (opening numbers of the down matrix, (out, rank, in)) of the modules that a trainer may have
            made first.
        modules: How many modules the LoRA changes.
    """

    starts: Mapping[ModulePath, Float[Tensor, "_"]]
    updates: Mapping[ModulePath, Float[Tensor, "_"]]
    first: tuple[tuple[Float[Tensor, "_"], tuple[int, int, int]], ...]
    modules: int


@dataclass(frozen=True)
class SeedGroup:
    """LoRAs that share their random start.

    Attributes:
        names: Two or more.
        seed: The seed that regenerates the start; None when no known one does.
    """

    names: tuple[str, ...]
    seed: int | None


@dataclass(frozen=True)
class Relations:
    """The groups of a collection; a LoRA is in at most one group of each kind."""

    duplicates: tuple[tuple[str, ...], ...] = ()
    seed_groups: tuple[SeedGroup, ...] = ()


def sketch(lora: LoRA) -> Sketch:
    """Sketch a LoRA from at most twelve of its modules, the same ones for every LoRA that has them."""
    weights = [path for path in lora.layers if path.parameter == "weight"]
    chosen = sorted(weights, key=lambda path: hashlib.sha256(str(path).encode()).digest())[:_MODULES]
    starts, updates = {}, {}
    for path in chosen:
        layer = lora.layers[path]
        starts[path] = layer.down[0, :_COLUMNS].clone()
        updates[path] = layer.up[0] @ layer.down[:, :_COLUMNS]
    first = []
    for ending in _MADE_FIRST:
        for opening in sorted(path for path in weights if path.name.endswith(ending))[:1]:
            layer = lora.layers[opening]
            sizes = (layer.up.shape[0], layer.rank, layer.down.shape[1])
            first.append((layer.down.flatten()[:_COLUMNS].clone(), sizes))
    return Sketch(starts, updates, tuple(first), len(lora.layers))


def relate(sketches: Mapping[str, Sketch]) -> Relations:
    """Find duplicates by content and groups of one random start."""
    duplicates = _groups(sketches, _same_update)
    starts = _groups(sketches, _same_start)
    return Relations(
        tuple(duplicates), tuple(SeedGroup(names, known_seed(sketches[names[0]])) for names in starts)
    )


def known_seed(found: Sketch) -> int | None:
    """The well-known seed from which a LoRA's down matrices were drawn, or None.

    Only the first draws of a stream can be compared without the trainer itself: uniform (kohya, PEFT) or
    normal (diffusers' older scripts), before or after the numbers that building both layers consumes.
    Scale does not matter.

    Source: torch.nn.Linear's own initialisation draws weight by weight; lora.py of kohya-ss/sd-scripts,
        peft and diffusers then draw the down matrix again.
    """
    for seed in KNOWN_SEEDS:
        for row, (out, rank, into) in found.first:
            limit = max(SAME_START, STANDS_OUT / row.numel() ** 0.5)
            if any(_cosine(row, drawn) > limit for drawn in _first_draws(seed, out, rank, into)):
                return seed
    return None


def _first_draws(seed: int, out: int, rank: int, into: int) -> Iterator[Tensor]:
    for consumed in (0, rank * into + out * rank):
        for draw in (torch.rand, torch.randn):
            stream = torch.Generator().manual_seed(seed)
            torch.rand(consumed, generator=stream)
            numbers = draw(rank * into, generator=stream)[:_COLUMNS]
            yield numbers - 0.5 if draw is torch.rand else numbers


def _groups(
    sketches: Mapping[str, Sketch], related: Callable[[Sketch, Sketch], bool]
) -> list[tuple[str, ...]]:
    leader = {name: name for name in sketches}
    for one, other in combinations(sketches, 2):
        if leader[other] == other and leader[one] == one and related(sketches[one], sketches[other]):
            leader[other] = one
    members: dict[str, list[str]] = {}
    for name, first in leader.items():
        members.setdefault(first, []).append(name)
    return [tuple(names) for names in members.values() if len(names) > 1]


def _same_start(one: Sketch, other: Sketch) -> bool:
    cosines = [_cosine(one.starts[m], other.starts[m]) for m in one.starts.keys() & other.starts.keys()]
    return bool(cosines) and _median(cosines) > SAME_START


def _same_update(one: Sketch, other: Sketch) -> bool:
    if one.modules != other.modules or one.updates.keys() != other.updates.keys():
        return False
    pairs = [(one.updates[m], other.updates[m]) for m in one.updates]
    size = sum(float(a.square().sum()) for a, _ in pairs)
    apart = sum(float((a - b).square().sum()) for a, b in pairs)
    return bool(size > 0.0 and apart <= SAME_UPDATE**2 * size)


def _cosine(one: Tensor, other: Tensor) -> float:
    if one.numel() != other.numel():
        return 0.0
    return float(torch.nn.functional.cosine_similarity(one.double(), other.double(), dim=0).abs())


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
