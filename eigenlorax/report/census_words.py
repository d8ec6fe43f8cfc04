"""A census in words: a verdict for each LoRA, a lead for the collection, and what is worth knowing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import combinations

from eigenlorax.formats.facts import relation_lines
from eigenlorax.formats.relations import Relations
from eigenlorax.subspace.census import NEAR_COPY, Census, Member
from eigenlorax.subspace.outliers import CROWDED, outliers


class Verdict(StrEnum):
    """How a LoRA stands to the rest of its collection, by weight energy."""

    NOTHING = "changes nothing"
    COPY = "near copy"
    UNTOLD = "cannot be told"
    HELD = "mostly shared"
    SHARES = "shares"
    LITTLE = "shares a little"
    ALONE = "stands alone"


_BEYOND_CHANCE = (
    (0.8, Verdict.HELD),
    (0.4, Verdict.SHARES),
    (0.1, Verdict.LITTLE),
    (0.0, Verdict.ALONE),
)


def verdict(member: Member) -> Verdict:
    """The word for a LoRA: by its nearest neighbour, then by its coverage beyond chance."""
    if member.norm == 0.0:
        return Verdict.NOTHING
    if member.cosine > NEAR_COPY:
        return Verdict.COPY
    if member.expected > CROWDED:
        return Verdict.UNTOLD
    return next(word for floor, word in _BEYOND_CHANCE if member.beyond_chance >= floor)


def lead(census: Census, relations: Relations) -> str:
    """The collection in a few sentences."""
    flattered = [group.names for group in relations.seed_groups] + list(census.near_copies)
    names = {name for group in flattered for name in group}
    words = _kinship(census)
    if not census.others or not names:
        return words
    count = len(names)
    return f"{words} {count} of them are copies or come from one random start, which flatters the figures."


def _kinship(census: Census) -> str:
    if not census.others:
        return "There is nothing to compare it with: add more LoRAs of the same base model."
    covered, chance = census.saturation[-1], census.saturation_expected[-1]
    words = (
        f"On average {covered:.0%} of a LoRA's weight energy lies in the span of the other "
        f"{len(census.members) - 1}; strangers of the same ranks would reach {chance:.0%}. "
    )
    beyond = (covered - chance) / (1.0 - chance) if chance < 1.0 else 0.0
    if chance > CROWDED:
        return words + "The collection fills its modules, so this says nothing about what is shared."
    if beyond < 0.1:
        return words + "They hardly share: what a shared store keeps must be paid for nearly LoRA by LoRA."
    if beyond < 0.4:
        return words + "They share a little: expect private remainders to carry much of each."
    return words + "They share much: a shared store is the right home for them."


def notices(census: Census, relations: Relations) -> list[str]:
    """Copies, shared random starts, groups and dominance, one line each; empty when there is none."""
    seed_groups = tuple(group for group in relations.seed_groups if not _copies(census, group.names))
    lines = relation_lines(replace(relations, seed_groups=seed_groups))
    told = {name for names in relations.duplicates for name in names}
    lines += [
        f"{one} and {other} are nearly one update: keep one of them"
        for one, other in census.near_copies
        if not {one, other} <= told
    ]
    lines += [
        f"{name} carries over half of a leading direction: the basis speaks for it first"
        for name in census.dominant
    ]
    lines += [f"{name} is an {why}" for name, why in outliers(census).items()]
    groups = [names for names in census.clusters if not _copies(census, names)]
    return lines + [f"alike in weights: {', '.join(names)}" for names in groups]


def _copies(census: Census, names: Sequence[str]) -> bool:
    """True when every two of `names` are near copies, which is said already."""
    return all(
        (one, other) in census.near_copies or (other, one) in census.near_copies
        for one, other in combinations(names, 2)
    )


def summary(census: Census, relations: Relations) -> str:
    """A few lines for a terminal."""
    lines = [lead(census, relations), *notices(census, relations)]
    counts: Mapping[Verdict, int] = {
        word: sum(verdict(member) is word for member in census.members) for word in Verdict
    }
    lines.append(", ".join(f"{count} {word.value}" for word, count in counts.items() if count))
    return "\n".join(lines)
