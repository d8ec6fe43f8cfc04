"""Fixed questions about subjects and noise that nothing learns from: how far is the teacher?"""

import torch
from jaxtyping import Float64
from torch import Tensor

from eigenlorax.training.lesson import Lesson
from eigenlorax.training.predictor import Predictor, Updates

#: Shares of the training schedule that are asked about; every third without the prompt.
_TIMES = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)


class Exam:
    """Distances to the teacher, relative to how far the bare base is from it.

    Args:
        predictor: The base.
        teacher: The original LoRAs, stacked.
        lesson: Pictures of held-out subjects, as many of each style.
        styles: How many the group has.
        generator: Of the noise.

    Attributes:
        scale: Mean squared distance of the bare base, one per style.
    """

    @torch.no_grad()
    def __init__(
        self,
        predictor: Predictor,
        teacher: Updates,
        lesson: Lesson,
        styles: int,
        generator: torch.Generator,
    ) -> None:
        self._predictor, self._styles = predictor, styles
        alphas = predictor.pipeline.scheduler.alphas_cumprod.cpu()
        rows = torch.arange(lesson.latents.shape[0])
        self._questions = [
            lesson.asked(
                rows,
                torch.full_like(rows, int(time * len(alphas))),
                [place % 3 == 0] * len(rows),
                alphas,
                generator,
            )
            for place, time in enumerate(_TIMES)
        ]
        self._answers = [predictor.answer(question, teacher, styles).float() for question in self._questions]
        self.scale = self._squares({}).clamp(min=1e-20)

    @torch.no_grad()
    def distances(self, updates: Updates) -> tuple[float, ...]:
        """||answer - teacher's|| / ||base's - teacher's||, one per style: 0 the same, 1 no style at all."""
        return tuple((self._squares(updates) / self.scale).sqrt().tolist())

    def _squares(self, updates: Updates) -> Float64[Tensor, " styles"]:
        """Mean squared difference to the teacher's answers, one per style."""
        sums = torch.zeros(self._styles, dtype=torch.float64)
        for question, answer in zip(self._questions, self._answers, strict=True):
            missed = (self._predictor.answer(question, updates, self._styles).float() - answer).square()
            sums.index_add_(0, question.styles, missed.flatten(1).mean(1).double().cpu())
        rows = sum(question.styles.numel() for question in self._questions)
        return sums * self._styles / rows
