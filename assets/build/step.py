"""What every training step here shares: it may be recorded as a CUDA graph, and it ends in AdamW and an average."""

from collections.abc import Callable, Sequence

import torch
from pace import Average, captured


class Recorded:
    """A step on buffers of fixed size: run as it is, and once captured replayed as one CUDA graph."""

    def __init__(self, run: Callable[[], None]) -> None:
        self._run = run
        self._graph: torch.cuda.CUDAGraph | None = None

    def capture(self) -> None:
        """Warm up with true steps, which a rate of zero makes harmless, then record one."""
        self._graph = captured(self._run)

    def __call__(self) -> None:
        """Do one step."""
        if self._graph is None:
            self._run()
        else:
            self._graph.replay()


class Descent:
    """AdamW at a rate that a captured step reads anew each time, and the average of the weights.

    Attributes:
        rate: To be filled before each step; 0 at first.
        average: Moved after each step.
    """

    def __init__(self, weights: Sequence[torch.Tensor], decay: float, average: float) -> None:
        device = weights[0].device
        self._weights = list(weights)
        self.rate = torch.zeros((), device=device)
        self._optimiser = torch.optim.AdamW(
            self._weights,
            self.rate,
            betas=(0.9, 0.99),
            weight_decay=decay,
            fused=True,
            capturable=device.type == "cuda",
        )
        self.average = Average(self._weights, average)

    def step(self, clip: float | None = None) -> None:
        """Follow the gradients, whose norm is clipped if asked, and clear them."""
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(self._weights, clip, foreach=True)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=False)
        self.average.update()
