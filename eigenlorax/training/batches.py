"""Which pictures a step learns from: by seed and step alone, so that resuming equals never stopping."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd

import torch

from eigenlorax.errors import InvalidRequestError

_MOST_HELD, _SHARE_HELD = 4, 5
FEWEST_TO_SPLIT = 4
"""Below this many pictures none can be spared to measure by."""


@dataclass(frozen=True)
class Batch:
    """What one step learns from.

    Attributes:
        indices: Of pictures of one bucket, in the set's order.
        mirrored: For each whether its mirror image is meant.
    """

    indices: tuple[int, ...]
    mirrored: tuple[bool, ...]


def batch_at(
    step: int, rows: int, seed: int, groups: Sequence[Sequence[int]], *, mirrors: bool = False
) -> Batch:
    """The pictures of one step.

    Over as many steps as there are pictures each picture is drawn exactly `rows` times: a group's turns are
    in proportion to its size and shuffled anew each round, and within a group all its pictures are drawn
    in a new order before one is drawn again. A group smaller than `rows` repeats within a batch. With
    mirrors each picture is drawn by turns as it is and mirrored.

    Args:
        step: From 0.
        rows: Pictures in a batch.
        seed: Of all orders.
        groups: The pictures' indices, by bucket; none is empty.
        mirrors: Whether mirror images are learnt from too.

    Raises:
        InvalidRequestError: a number is out of its range.
    """
    if step < 0 or rows < 1 or not groups:
        raise InvalidRequestError(f"there is no batch of {rows} pictures at step {step}: give 1 or more")
    shared = gcd(*(len(group) for group in groups))
    turns = [place for place, group in enumerate(groups) for _ in range(len(group) // shared)]
    round_, turn = divmod(step, len(turns))
    order = [turns[i] for i in _order(len(turns), (seed, 0, round_))]
    place = order[turn]
    group = groups[place]
    visit = round_ * (len(group) // shared) + order[:turn].count(place)
    indices, mirrored = [], []
    for drawn in range(visit * rows, (visit + 1) * rows):
        lap, within = divmod(drawn, len(group))
        index = group[_order(len(group), (seed, 1 + place, lap))[within]]
        indices.append(index)
        first = _order(2, (seed, -1, index))[0]
        mirrored.append(mirrors and (lap + first) % 2 == 1)
    return Batch(tuple(indices), tuple(mirrored))


def held_out(count: int, seed: int) -> frozenset[int]:
    """Which of the pictures are never learnt from: about one in five, at least 1 and at most 4.

    None of fewer than 4 pictures.
    """
    if count < FEWEST_TO_SPLIT:
        return frozenset()
    held = min(max(round(count / _SHARE_HELD), 1), _MOST_HELD)
    return frozenset(_order(count, (seed, -2, count))[:held])


def grouped(buckets: Mapping[int, tuple[int, int]]) -> list[list[int]]:
    """Indices of one bucket together, buckets by size."""
    return [
        [index for index, own in buckets.items() if own == bucket] for bucket in sorted(set(buckets.values()))
    ]


def _order(count: int, key: tuple[int, int, int]) -> list[int]:
    """A permutation that is a function of its key."""
    generator = torch.Generator().manual_seed(_mixed(key))
    return torch.randperm(count, generator=generator).tolist()


def _mixed(key: tuple[int, ...]) -> int:
    """One 63-bit seed of several numbers; neighbours give unrelated seeds.

    Source: the finaliser of splitmix64 (Steele, Lea, Flood 2014).
    """
    state = 0
    for number in key:
        state = (state ^ number) + 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 31
    return state >> 1
