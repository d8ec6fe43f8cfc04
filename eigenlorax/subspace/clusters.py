"""Groups of alike things from a table of their likeness."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Clusters:
    """The groups and an order in which alike things stand beside each other.

    Attributes:
        groups: Index tuples of two or more members.
        order: Every index once, as the leaves of the tree.
    """

    groups: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]


def cluster(likeness: Sequence[Sequence[float]], threshold: float) -> Clusters:
    """Join the two most alike groups again and again; groups are what joined at `threshold` or above.

    The likeness of two groups is the mean over their pairs (average linkage, UPGMA).

    Args:
        likeness: Symmetric, higher is more alike; the diagonal is not read.
        threshold: Lowest mean likeness at which two groups are one.

    Source: Sokal & Michener (1958).
    """
    branches: list[tuple[int, ...]] = [(index,) for index in range(len(likeness))]
    groups = list(branches)
    table = {
        frozenset((a, b)): likeness[a[0]][b[0]] for i, a in enumerate(branches) for b in branches[i + 1 :]
    }
    while len(branches) > 1:
        one, other = max(
            ((a, b) for i, a in enumerate(branches) for b in branches[i + 1 :]),
            key=lambda pair: table[frozenset(pair)],
        )
        alike = table[frozenset((one, other))]
        joined = one + other
        branches = [branch for branch in branches if branch not in (one, other)]
        for branch in branches:
            to_one, to_other = table[frozenset((branch, one))], table[frozenset((branch, other))]
            mean = (len(one) * to_one + len(other) * to_other) / len(joined)
            table[frozenset((branch, joined))] = mean
        branches.append(joined)
        if alike >= threshold:
            groups = [group for group in groups if group not in (one, other)] + [joined]
    order = branches[0] if branches else ()
    return Clusters(tuple(tuple(sorted(group)) for group in groups if len(group) > 1), order)
