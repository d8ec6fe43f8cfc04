"""Forward and backward of a step as one CUDA graph: recorded once for each shape, one launch from then on."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from eigenlorax.runtime.graph import Captured, Recorder
from eigenlorax.training.descent import Slope

#: Recordings that are kept: as many as shapes that pictures of one training usually come in.
_SHAPES = 12

Inputs = tuple[Tensor, ...]
Loss = Callable[..., Tensor]


def summed(
    loss_of: Loss,
    inputs_at: Callable[[int], Sequence[Inputs]],
    parameters: Sequence[nn.Parameter],
    recorder: Recorder | None = None,
) -> Slope:
    """The slope of a step whose loss is a sum over parts, so that only one part's activations lie in memory.

    Args:
        loss_of: Tensors -> the loss of a part, differentiable in the parameters. Where it is recorded, no
            decision in it may depend on numbers, nothing that it reads beside its inputs may move (no weights
            that are streamed to the card), and activations that it computes again must draw nothing.
        inputs_at: The inputs of every part of a step, on the parameters' device.
        parameters: What learns, float32.
        recorder: How calls are recorded; None computes every part anew.
    """
    part = _anew(loss_of) if recorder is None else _recorded(loss_of, parameters, recorder)

    def slope(step: int, scaler: torch.amp.GradScaler) -> Tensor:
        scale = scaler.scale(torch.ones((), device=parameters[0].device))
        return torch.stack([part(scale, *inputs) for inputs in inputs_at(step)]).sum()

    return slope


def _anew(loss_of: Loss) -> Loss:
    """(scale, *inputs) -> the loss; adds the scaled loss's gradients."""

    def part(scale: Tensor, *inputs: Tensor) -> Tensor:
        loss = loss_of(*inputs)
        (loss * scale).backward()
        return loss.detach()

    return part


def _recorded(loss_of: Loss, parameters: Sequence[nn.Parameter], recorder: Recorder) -> Loss:
    """The same, recorded."""
    captured = Captured(lambda *inputs: _with_gradients(loss_of, parameters, inputs), recorder, _SHAPES)

    def part(*inputs: Tensor) -> Tensor:
        loss, *found = captured("part", *inputs).split([1, *(z.numel() for z in parameters)])
        gradients = [z.grad for z in parameters if z.grad is not None]
        torch._foreach_add_(gradients, [a.view_as(b) for a, b in zip(found, gradients, strict=True)])
        return loss[0]

    return part


def _with_gradients(loss_of: Loss, parameters: Sequence[nn.Parameter], inputs: Inputs) -> Tensor:
    """(1 + numbers,): the loss, and every gradient of it times the first input.

    As a result, and not added to what is there: a recording is warmed up by calls that must leave no trace.
    """
    scale, *rest = inputs
    loss = loss_of(*rest)
    gradients = torch.autograd.grad(loss * scale, parameters, allow_unused=True, materialize_grads=True)
    return torch.cat([loss.detach().reshape(1), *(gradient.reshape(-1) for gradient in gradients)])
