"""What the learner is asked: new questions at every step, and questions that stay the same to measure by."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from eigenlorax.training.predictor import Predictor, Updates
from eigenlorax.training.shown import Asked, Captioned, Material, Schedule, Shown, squared_errors

#: Timesteps, as shares of the schedule, that pictures are measured at.
TIMES = (0.08, 0.25, 0.42, 0.58, 0.75, 0.92)


@dataclass(frozen=True)
class Weighing:
    """What the rows of a step count, and what is changed about them.

    Attributes:
        gamma: min-SNR; 0 counts all timesteps alike.
        offset: Noise offset.
        unprompted: Share of rows that are shown without their caption.
    """

    gamma: float
    offset: float
    unprompted: float


def drawn(
    schedule: Schedule, material: Material, weighing: Weighing, step: int, rows: int, seed: int
) -> Asked:
    """What a step learns from, a function of its numbers; timesteps are spread over the schedule.

    Args:
        step: Counts micro-batches where a step has several.
        rows: Pictures in it.
        seed: Of the noise, the timesteps and the pictures.
    """
    chance = torch.Generator().manual_seed((seed * 1_000_003 + step) % 2**63)
    shown = material.batch(step, rows, seed)
    count, length = len(shown.captions), len(schedule.alphas)
    places = (torch.randperm(count, generator=chance) + torch.rand(count, generator=chance)) / count
    times = (places * length).long().clamp(max=length - 1)
    bare = (torch.rand(count, generator=chance) < weighing.unprompted).tolist()
    captions = tuple("" if without else told for told, without in zip(shown.captions, bare, strict=True))
    shown = replace(shown, captions=captions)
    return schedule.ask(shown, times, chance, gamma=weighing.gamma, offset=weighing.offset)


def fixed(
    schedule: Schedule, shown: Sequence[Shown], seed: int, shares: Sequence[float] = TIMES
) -> list[Asked]:
    """Questions that stay the same: every picture at each of these shares of the schedule."""
    chance, found = torch.Generator().manual_seed(seed), []
    for part in shown:
        for time in shares:
            times = torch.full((len(part.captions),), int(time * len(schedule.alphas)))
            found.append(schedule.ask(part, times, chance))
    return found


def joined(asked: Sequence[Asked]) -> Asked:
    """Several questions of one size as one batch."""

    def together(name: str) -> Tensor:
        return torch.cat([getattr(one, name) for one in asked])

    captions = tuple(caption for one in asked for caption in one.captions)
    return Asked(
        together("latents"), together("timesteps"), together("target"), together("weight"), captions,
        together("sizes"),
    )  # fmt: skip


def packed(asked: Sequence[Asked], rows: int) -> list[Asked]:
    """The same questions in their order, neighbours of one size together while there are at most `rows`."""
    found: list[list[Asked]] = []
    for one in asked:
        last = found[-1] if found else []
        size = sum(len(other.captions) for other in last) + len(one.captions)
        if last and last[0].latents.shape[1:] == one.latents.shape[1:] and size <= rows:
            last.append(one)
        else:
            found.append([one])
    return [joined(part) for part in found]


@torch.no_grad()
def error(
    predictor: Predictor, words: Captioned | None, asked: Sequence[Asked], updates: Updates, weights: Tensor
) -> float:
    """Mean squared error over all rows, each alike."""
    rows = [squared_errors(predictor, words, one, updates, weights) for one in asked]
    return float(torch.cat(rows).cpu().double().mean())
