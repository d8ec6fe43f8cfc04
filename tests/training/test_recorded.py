"""A recorded step has the gradients of one that is computed anew: whatever its shape, scale and parts."""

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn

from eigenlorax.runtime.graph import Recording
from eigenlorax.training.recorded import summed

Parts = Sequence[tuple[Tensor, ...]]


class Recorder:
    """Stands in for a CUDA graph: warms up, and a replay runs the call again into the same memory."""

    def __init__(self) -> None:
        self.recorded = 0

    def __call__(self, call: Callable[[], Tensor]) -> Recording:
        self.recorded += 1
        for _ in range(2):
            call()
        output = call()
        return Recording(output, lambda: output.copy_(call()))


def learning() -> list[nn.Parameter]:
    """Two tensors that learn, and one that no loss sees; gradients are there already."""
    chance = torch.Generator().manual_seed(0)
    found = [nn.Parameter(torch.randn(*shape, generator=chance)) for shape in ((2, 3), (3,), (4,))]
    for place, z in enumerate(found):
        z.grad = torch.full_like(z, float(place))
    return found


def parts_at(step: int) -> Parts:
    """Two shapes by turns, one part or two."""
    chance = torch.Generator().manual_seed(step)
    rows = 4 if step % 2 else 5
    parts = 1 + step % 3 % 2
    return [
        (torch.randn(rows, 3, generator=chance), torch.rand(rows, generator=chance)) for _ in range(parts)
    ]


def loss_by(z: Sequence[nn.Parameter]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda x, weight: (weight * ((x + z[1]) @ z[0].mT).tanh().square().sum(1)).mean()


@pytest.mark.parametrize("half", [False, True])
def test_gradients_are_those_of_a_loss_computed_anew(half: bool) -> None:
    mine, other = learning(), learning()
    recorder = Recorder()
    slope = summed(loss_by(mine), parts_at, mine, recorder)
    scaler = torch.amp.GradScaler("cpu", enabled=half, init_scale=8.0)
    places = [z.grad.data_ptr() for z in mine if z.grad is not None]
    for step in range(1, 7):
        loss = slope(step, scaler)
        whole = torch.stack([loss_by(other)(*part) for part in parts_at(step)]).sum()
        (whole * (8.0 if half else 1.0)).backward()
        torch.testing.assert_close(loss, whole.detach())
        assert not loss.requires_grad
        for z, expected in zip(mine, other, strict=True):
            torch.testing.assert_close(z.grad, expected.grad)
            with torch.no_grad():  # what is learnt counts at the next replay
                z.sub_(0.01 * expected.grad)
                expected.sub_(0.01 * expected.grad)
    assert recorder.recorded == 2  # one for each shape
    assert places == [z.grad.data_ptr() for z in mine if z.grad is not None]


@pytest.mark.parametrize("half", [False, True])
def test_without_a_recorder_parts_are_computed_anew(half: bool) -> None:
    mine, other = learning(), learning()
    scaler = torch.amp.GradScaler("cpu", enabled=half, init_scale=8.0)
    anew, recorded = (
        summed(loss_by(mine), parts_at, mine),
        summed(loss_by(other), parts_at, other, Recorder()),
    )
    for step in range(1, 5):
        torch.testing.assert_close(anew(step, scaler), recorded(step, scaler))
        for z, expected in zip(mine, other, strict=True):
            torch.testing.assert_close(z.grad, expected.grad)
