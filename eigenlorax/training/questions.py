"""All that one style is asked while it is taught, and what its answers cost."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from eigenlorax.runtime.graph import Recorder
from eigenlorax.training.asking import Weighing, drawn, error, fixed, packed
from eigenlorax.training.crew import ALONE, Crew
from eigenlorax.training.descent import Slope
from eigenlorax.training.predictor import SMALL_SIDE, Predictor, Updates
from eigenlorax.training.recorded import Inputs, summed
from eigenlorax.training.shown import Asked, Captioned, Material, Posed, Schedule, pose, squared_errors
from eigenlorax.training.teach_settings import TeachSettings

_START_TIMES = (0.2, 0.5, 0.8)
_SMALL_ROWS = 24


class Questions:
    """The pictures of one style, as questions.

    Args:
        predictor: The base, injected.
        material: Pictures to learn from, and to measure on.
        settings: How it is taught.
        crew: Processes that ask alike, each its share of the rows.
        prior: What the bare base draws of the subject, to be preserved.
    """

    def __init__(
        self,
        predictor: Predictor,
        material: Material,
        settings: TeachSettings,
        crew: Crew = ALONE,
        prior: Material | None = None,
    ) -> None:
        self._predictor, self._settings, self._crew = predictor, settings, crew
        self._parts = [(material, settings.seed, 1.0)]
        if prior is not None and settings.preserve > 0:
            self._parts.append((prior, settings.seed + 2, settings.preserve))
        captions = [caption for part, _, _ in self._parts for caption in part.captions()]
        self._words = None if settings.texts else Captioned(predictor, [*captions, ""])
        self._schedule = Schedule.of(predictor.pipeline)
        self._weighing = Weighing(settings.gamma, settings.offset, settings.unprompted)
        # A large picture's rows are as many as a step has memory for; small ones only wait for launches.
        rows = _SMALL_ROWS if predictor.side <= SMALL_SIDE else settings.rows
        self._held = packed(fixed(self._schedule, material.held_out(), settings.seed), rows)
        seed = settings.seed + 1
        first = fixed(self._schedule, [material.batch(0, settings.rows, seed)], seed, _START_TIMES)
        self._first = packed(first, rows)
        self.one = torch.ones(1, 1, device=predictor.device)

    def slope(
        self,
        parameters: Sequence[nn.Parameter],
        updates: Callable[[], Updates],
        penalty: Callable[[], Tensor],
        recorder: Recorder | None = None,
    ) -> Slope:
        """The gradients of a step's loss, the mean over its batches, and of a penalty.

        Args:
            parameters: What learns.
            updates: The style as it is, differentiable in them.
            penalty: Added to the loss.
            recorder: Of CUDA graphs; not used where text encoders learn, which ask in words.
        """
        batches = self._settings.accumulate

        def numbers(step: int) -> range:
            return range((step - 1) * batches + 1, step * batches + 1)

        def of_number(number: Tensor) -> Tensor:
            return (self.loss(int(number), updates()) + penalty()) / batches

        def of_tensors(*inputs: Tensor) -> Tensor:
            return (self._of_posed(inputs, updates()) + penalty()) / batches

        if recorder is None or self._words is None:
            return summed(of_number, lambda step: [(torch.tensor(n),) for n in numbers(step)], parameters)
        return summed(of_tensors, lambda step: [self._posed(n) for n in numbers(step)], parameters, recorder)

    def loss(self, number: int, updates: Updates, apart: int = 0) -> Tensor:
        """The loss of batch `number` on this process's rows.

        Args:
            number: From 1; the same number is the same question.
            updates: One style.
            apart: Draws that have nothing in common with those of another number here.
        """
        errors, weights = [], []
        for asked in self._asked(number, apart):
            errors.append(squared_errors(self._predictor, self._words, asked, updates, self.one))
            weights.append(asked.weight)
        return self._loss(errors, weights)

    def first_error(self, updates: Updates, strengths: Tensor) -> Tensor:
        """Mean squared error on a few training pictures at fixed noise, differentiable."""
        rows = [squared_errors(self._predictor, self._words, one, updates, strengths) for one in self._first]
        return torch.cat(rows).mean()

    def held_error(self, updates: Updates) -> float:
        """Mean squared error on the held-out pictures at fixed noise."""
        return error(self._predictor, self._words, self._held, updates, self.one)

    def _asked(self, number: int, apart: int = 0) -> list[Asked]:
        found = []
        for material, seed, _ in self._parts:
            rows = self._settings.rows
            asked = drawn(self._schedule, material, self._weighing, number, rows, seed + apart)
            found.append(_share(asked, self._crew.share(rows)))
        return found

    def _posed(self, number: int) -> Inputs:
        if self._words is None:
            raise RuntimeError("questions in words cannot be recorded")
        words = self._words
        return tuple(
            tensor for asked in self._asked(number) for tensor in pose(self._predictor, words, asked)
        )

    def _of_posed(self, inputs: Inputs, updates: Updates) -> Tensor:
        width = len(Posed._fields)
        posed = [Posed(*inputs[start : start + width]) for start in range(0, len(inputs), width)]
        errors = [one.squared_errors(self._predictor, updates, self.one) for one in posed]
        return self._loss(errors, [one.weight for one in posed])

    def _loss(self, errors: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
        counts = [part for _, _, part in self._parts]
        means = [(weight.to(own) * own).mean() for own, weight in zip(errors, weights, strict=True)]
        total = torch.stack([count * mean for count, mean in zip(counts, means, strict=True)]).sum()
        return self._crew.weight(self._settings.rows) * total


def _share(asked: Asked, rows: slice) -> Asked:
    return replace(
        asked, latents=asked.latents[rows], timesteps=asked.timesteps[rows], target=asked.target[rows],
        weight=asked.weight[rows], captions=asked.captions[rows], sizes=asked.sizes[rows],
    )  # fmt: skip
