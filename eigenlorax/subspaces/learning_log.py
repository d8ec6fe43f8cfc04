"""What a teaching writes down while it goes on, and what it shows: a kill costs what came since."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from eigenlorax.library.curves import Curves, load_curves, save_curves
from eigenlorax.library.preserved import load_preserved, save_preserved
from eigenlorax.library.reached import load_reached, save_reached
from eigenlorax.training.samples import Sampled, Sampler, due
from eigenlorax.training.teach import Taught, TeachingStep


class LearningLog:
    """The folder of one teaching.

    Args:
        place: The folder; made when it is first written to.
        writes: Whether this process keeps files; every process reads them.

    Attributes:
        reached: Where an earlier run got to, else None.
    """

    def __init__(self, place: Path, *, writes: bool) -> None:
        self._place, self._writes = place, writes
        self.reached = load_reached(place / "reached.safetensors")
        self._step = 0 if self.reached is None else self.reached.begun + self.reached.step
        curves = load_curves(place / "curves.json", self._step)
        self._train, self._held = list(curves.train), list(curves.held)

    @property
    def step(self) -> int:
        """The last step that was kept."""
        return self._step

    @property
    def curves(self) -> Curves:
        """Everything that was told, by earlier runs too."""
        return Curves(tuple(self._train), tuple(self._held))

    def note(self, event: TeachingStep) -> None:
        """Take an event down, and keep everything where it brings a state to go on from.

        The curves go to disk first: points beyond the state that is kept are dropped when it is taken up.

        Raises:
            NotWrittenError: the disk refused.
        """
        if event.loss is not None and event.step > max(_last(self._train), 0):
            self._train.append((event.step, event.loss))
        # What is measured before the first step, of the start, is told anew by each run.
        if event.held is not None and event.step > _last(self._held):
            self._held.append((event.step, event.held))
        if event.reached is None:
            return
        self._step = event.step
        if self._writes:
            save_curves(self.curves, self._place / "curves.json")
            save_reached(event.reached, self._place / "reached.safetensors")

    def preserved(self, words: Sequence[str]) -> Tensor | None:
        """Pictures of the bare base that an earlier run drew, else None."""
        return load_preserved(self._place / "preserved.safetensors", words)

    def keeping(
        self, going: Generator[int, None, Tensor], total: int
    ) -> Generator[TeachingStep, None, Tensor]:
        """Run the drawing of such pictures to its end and keep them."""
        done = 0
        while True:
            try:
                done = next(going)
            except StopIteration as end:
                latents: Tensor = end.value
                break
            yield TeachingStep(done, total, "drawing pictures to preserve")
        if self._writes:
            save_preserved(latents, self._place / "preserved.safetensors")
        return latents


def told_on(
    going: Generator[TeachingStep, None, Taught], log: LearningLog, sampler: Sampler, every: int
) -> Generator[TeachingStep | Sampled, None, tuple[Taught, Sampled | None]]:
    """The events of a teaching, taken down, with pictures of the style as it is between them.

    Args:
        going: The teaching; closed when this is.
        log: Where it is taken down.
        sampler: Draws; without prompts nothing is drawn.
        every: Steps from one drawing to the next at least.

    Returns:
        What was learnt, its curves whole, and the pictures of what was kept.
    """
    last, looked = None, log.step if log.reached is not None else -1
    event = None
    try:
        while True:
            try:
                event = next(going)
            except StopIteration as end:
                result: Taught = end.value
                break
            log.note(event)
            yield event
            if event.updates is not None and sampler.prompts:
                if due(looked, event.step, every):
                    images = sampler.drawn(event.updates)
                    last = Sampled(event.step, images, sampler.prompts, event.done, event.total)
                    yield last
                looked = event.step
    finally:
        going.close()
    curves = log.curves
    result = replace(result, losses=curves.train, held=curves.held)
    best = best_step(result)
    if not sampler.prompts:
        return result, None
    if last is None or last.step != best:
        done, total = (event.done, event.total) if event is not None else (1, 1)
        last = Sampled(best, sampler.drawn(result.updates), sampler.prompts, done, total)
        yield last
    return result, last


def best_step(result: Taught) -> int:
    """The step whose numbers were kept; 0 for the start."""
    if result.after >= result.before:
        return 0
    return next((step for step, error in result.held if error == result.after), 0)


def _last(points: Sequence[tuple[int, float]]) -> int:
    return points[-1][0] if points else -1
