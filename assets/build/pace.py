"""Training by the clock: a rate that depends on the share of the time spent, averaged weights, and a JSON log."""

import json
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch


class Pace:
    """Budget of a run: `seconds` from the making of this object, or, when `steps` is positive, so many `tick`s.

    `begin` marks the first true step.
    """

    def __init__(
        self, seconds: float, peak: float, warm: float = 0.03, floor: float = 0.01, steps: int = -1
    ) -> None:
        self._made = time.monotonic()
        self._end = self._made + seconds
        self._begun = self._made
        self._peak, self._warm, self._floor = peak, warm, floor
        self._steps, self._done = steps, 0

    def begin(self) -> None:
        """Call once the compiled step has run: the schedule starts here."""
        self._begun = time.monotonic()

    def tick(self) -> None:
        """Count one step."""
        self._done += 1

    @property
    def spent(self) -> float:
        """Seconds since this object was made."""
        return time.monotonic() - self._made

    @property
    def share(self) -> float:
        """Share of the schedule behind us, 0 to 1 and beyond."""
        if self._steps > 0:
            return self._done / self._steps
        return (time.monotonic() - self._begun) / max(self._end - self._begun, 1e-6)

    def rate(self) -> float:
        """Learning rate now: linear warm-up, then a cosine down to `floor` of the peak."""
        share = min(self.share, 1.0)
        if share < self._warm:
            return self._peak * (share / self._warm * 0.95 + 0.05)
        turn = (share - self._warm) / (1.0 - self._warm)
        return self._peak * (self._floor + (1.0 - self._floor) * 0.5 * (1.0 + math.cos(math.pi * turn)))


def captured(step: Callable[[], None]) -> torch.cuda.CUDAGraph:
    """One training step as a CUDA graph, after a few real ones on a side stream to warm it up."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(4):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph


class Average:
    """Exponential average of weights, kept beside them in float32."""

    def __init__(self, weights: Iterable[torch.Tensor], decay: float) -> None:
        self._live = list(weights)
        self.kept = [weight.detach().clone() for weight in self._live]
        self._decay = decay

    @torch.no_grad()
    def update(self) -> None:
        """Move the average a step towards the live weights."""
        torch._foreach_lerp_(self.kept, [weight.detach() for weight in self._live], 1.0 - self._decay)

    @torch.no_grad()
    def restart(self) -> None:
        """Forget the past: take the live weights."""
        torch._foreach_copy_(self.kept, [weight.detach() for weight in self._live])

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange live and averaged weights in place (call twice around an evaluation)."""
        for live, kept in zip(self._live, self.kept, strict=True):
            held = live.detach().clone()
            live.copy_(kept)
            kept.copy_(held)


class Log:
    """JSON lines on stdout and, at the end, one JSON file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[dict[str, Any]] = []

    def add(self, **fields: Any) -> None:
        """Keep and print one line; floats are cut to six significant digits."""
        line = {
            key: float(f"{value:.6g}") if isinstance(value, float) else value for key, value in fields.items()
        }
        self._lines.append(line)
        print(json.dumps(line), flush=True)

    def save(self, **summary: Any) -> None:
        """Write the summary and every line kept."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"summary": summary, "lines": self._lines}, indent=1)
        self._path.write_text(text + "\n")
