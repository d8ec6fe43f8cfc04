"""What a change of each weight does to a prediction, measured on a few pictures of the base's own."""

from collections.abc import Generator, Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.sensitivity import Sensitivity
from eigenlorax.training.lesson import Lesson
from eigenlorax.training.predictor import Predictor

#: Least share of the mean that an input counts: what was silent here may speak elsewhere.
_FLOOR = 1e-3


def measure_sensitivity(
    predictor: Predictor,
    modules: Mapping[ModulePath, nn.Module],
    lesson: Lesson,
    rows: int,
    generator: torch.Generator,
) -> Generator[tuple[int, int], None, dict[ModulePath, Sensitivity]]:
    """Second moments of every module's input, and of the gradient that reaches its output.

    A small error E of a weight changes the prediction by about sum over positions E[|g|^2] E[|E x|^2] in
    square, with the input x and the gradient g at the output, of the prediction seen through random signs: an
    input counts by its mean square, a module by its gradient's. A bias is a weight whose input is 1, and
    that of a norm one whose input has mean square 1. Each picture is asked about twice.

    Args:
        predictor: The base, wearing nothing.
        modules: Linears, convolutions and norms, by the path of their weight.
        lesson: Pictures that the base drew.
        rows: Of one forward pass.
        generator: Of noise, timesteps and signs.

    Yields:
        (questions done, questions in all).

    Returns:
        One for the weight and one for the bias of each module that took part in a prediction.

    Source: Kronecker-factored curvature (Martens & Grosse, arXiv:1503.05671), its input side diagonal and its
    output side one number.
    """
    moments = {path: _Moments() for path in modules}
    handles = [moments[path].watch(module) for path, module in modules.items()]
    alphas = predictor.pipeline.scheduler.alphas_cumprod.cpu()
    pictures = lesson.latents.shape[0]
    order = torch.arange(2 * pictures) % pictures
    try:
        for start in range(0, len(order), rows):
            part = order[start : start + rows]
            places = (torch.randperm(len(part), generator=generator) + 0.5) / len(part)
            times = (places * len(alphas)).long()
            question = lesson.asked(part, times, [False] * len(part), alphas, generator)
            with torch.enable_grad():
                answer = predictor.answer(question, {}, 1)
                signs = torch.randint(2, answer.shape, generator=generator) * 2 - 1
                (answer * signs.to(answer)).sum().backward()
            yield start + len(part), len(order)
    finally:
        for handle in handles:
            handle.remove()
    return dict(_found(moments))


def _found(moments: Mapping[ModulePath, "_Moments"]) -> Iterable[tuple[ModulePath, Sensitivity]]:
    for path, seen in moments.items():
        if seen.gradients > 0.0:
            yield path, Sensitivity(seen.gradient, seen.inputs)
            yield path._replace(parameter="bias"), Sensitivity(seen.gradient)


class _Moments:
    """Running means of one module's two sides, float32 on the device."""

    def __init__(self) -> None:
        self._inputs: Tensor | float = 0.0
        self._passes = 0
        self._gradients: Tensor | float = 0.0
        self._returns = 0

    def watch(self, module: nn.Module) -> RemovableHandle:
        """Begin to count."""
        return module.register_forward_hook(self._forward)

    @property
    def gradients(self) -> float:
        """Sum of the gradients' squares; 0 when none came back."""
        return float(self._gradients)

    @property
    def gradient(self) -> float:
        """Mean over output features of the squared gradient, summed over positions."""
        return self.gradients / self._returns

    @property
    def inputs(self) -> Tensor | None:
        """Mean square of each input, with a floor, on the CPU; None when it is even by nature."""
        if not isinstance(self._inputs, Tensor):
            return None
        mean = (self._inputs / self._passes).cpu()
        return mean.clamp(min=_FLOOR * float(mean.mean()) or 1.0)

    @torch.no_grad()
    def _forward(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
        x = inputs[0].detach().float()
        if isinstance(module, nn.Conv2d):
            kernel = module.kernel_size[0] * module.kernel_size[1]
            self._inputs = self._inputs + x.square().mean((0, 2, 3)).repeat_interleave(kernel)
        elif isinstance(module, nn.Linear):
            self._inputs = self._inputs + x.square().flatten(0, -2).mean(0)
        self._passes += 1
        # The base is frozen, so the graph begins at the first module that is watched.
        given = None if output.requires_grad else output.detach().requires_grad_()
        features = 1 if isinstance(module, (nn.Conv2d, nn.GroupNorm)) else output.dim() - 1
        (output if given is None else given).register_hook(lambda g: self._backward(g, features))
        return given

    def _backward(self, gradient: Tensor, features: int) -> None:
        rows, width = gradient.shape[0], gradient.shape[features]
        self._gradients = self._gradients + gradient.float().square().sum() / (rows * width)
        self._returns += 1
