"""The use case of measuring this machine: pictures per second, and what a change of styles takes."""

import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from statistics import median

from eigenlorax.easel import Drawn, Painting
from eigenlorax.errors import refuse_outside
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.hardware import peak_bytes, restart_peak, synchronize
from eigenlorax.runtime.paint import Step
from eigenlorax.studio import Studio

_MOST_WORN = 3


@dataclass(frozen=True)
class BenchWish:
    """What is drawn.

    Attributes:
        width, height: Pixels; 0 is the model's own size.
        steps: Denoising steps.
        pictures: How many are timed for each row, after one that is not.
        batch: Pictures at once.
        switches: How many changes of styles are timed for each row.
    """

    width: int = 0
    height: int = 0
    steps: int = 20
    pictures: int = 3
    batch: int = 1
    switches: int = 5

    def check(self) -> None:
        """Raises InvalidRequestError: a number is out of range; each request checks the rest."""
        refuse_outside({"pictures": (self.pictures, 1, 100), "switches": (self.switches, 1, 100)})


@dataclass(frozen=True)
class BenchRow:
    """What was measured with one blend; times are medians.

    Attributes:
        styles: What was worn; nothing is the bare base.
        mode: How the UNet wore it.
        placement: Where the model lay.
        seconds: For all pictures of one go, encoding of the prompt and decoding included.
        pictures_per_second: Pictures of one go by its seconds.
        steps_per_second: Denoising steps of a go by its seconds.
        switch_ms: Milliseconds of a change to this blend from another; None for the bare base.
        peak_bytes: Most bytes that tensors held on the card; None where it is not counted.
    """

    styles: tuple[str, ...]
    mode: str
    placement: str
    seconds: float
    pictures_per_second: float
    steps_per_second: float
    switch_ms: float | None
    peak_bytes: int | None


@dataclass(frozen=True)
class BenchProgress:
    """One more step of all."""

    done: int
    total: int


def measure(studio: Studio, wish: BenchWish) -> Generator[BenchProgress, None, list[BenchRow]]:
    """Draw with no style, one, and some together, with the engine that the page draws with; nothing is kept.

    A change is timed from no style and from another blend of the same size in turn, by pictures of one step.

    Args:
        studio: With or without styles; without, only the bare base is measured.
        wish: What is drawn.

    Raises:
        InvalidRequestError: a setting is out of range.
    """
    wish.check()
    names = list(studio.styles)
    counts = [0, *(count for count in (1, _MOST_WORN) if count <= len(names))]
    side = studio.base.native_size
    plain = GenerationRequest(
        "a red apple", "", 7, wish.steps, 5.0, wish.width or side, wish.height or side, batch=wish.batch
    )
    plain.check()
    goes = 1 + wish.pictures
    counter = _Counter(len(counts) * goes * wish.steps + (len(counts) - 1) * 2 * wish.switches)
    rows = []
    for count in counts:
        worn = tuple(names[:count])
        request = replace(plain, styles=dict.fromkeys(worn, 0.8))
        yield from counter.draw(studio.easel.styled(request), wish.steps)
        restart_peak(studio.base.device)
        seconds = []
        for _ in range(wish.pictures):
            started = time.perf_counter()
            drawn = yield from counter.draw(studio.easel.styled(request), wish.steps)
            synchronize(studio.base.device)
            seconds.append(time.perf_counter() - started)
        peak, middle = peak_bytes(studio.base.device), median(seconds)
        switch = yield from _switch(studio, counter, request, wish.switches) if worn else _nothing()
        rows.append(
            BenchRow(
                worn, drawn.mode.value, drawn.plan.placement.value, middle, wish.batch / middle,
                wish.steps / middle, switch, peak,
            )
        )  # fmt: skip
    return rows


def _switch(
    studio: Studio, counter: "_Counter", request: GenerationRequest, count: int
) -> Generator[BenchProgress, None, float]:
    short = replace(request, steps=1, batch=1)
    others: list[dict[str, float]] = [{}, dict.fromkeys(request.styles, 0.4)]
    times = []
    for turn in range(count):
        yield from counter.draw(studio.easel.styled(replace(short, styles=others[turn % 2])), 1)
        drawn = yield from counter.draw(studio.easel.styled(short), 1)
        times.append(drawn.switch_ms)
    return median(times)


def _nothing() -> Generator[BenchProgress, None, None]:
    return
    yield


class _Counter:
    def __init__(self, total: int) -> None:
        self._done, self._total = 0, total

    def draw(self, painting: Painting, steps: int) -> Generator[BenchProgress, None, Drawn]:
        end = self._done + steps
        try:
            while True:
                if isinstance(next(painting), Step) and self._done < end:
                    self._done += 1
                    yield BenchProgress(self._done, self._total)
        except StopIteration as stop:
            self._done = end
            drawn: Drawn = stop.value
            return drawn
        finally:
            painting.close()
