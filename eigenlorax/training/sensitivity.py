"""What a change of each weight does to a prediction, measured on a few pictures of the base's own."""

from collections.abc import Generator, Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from eigenlorax.module_path import ModulePath
from eigenlorax.training.lesson import Lesson
from eigenlorax.training.predictor import Predictor


def measure_sensitivity(
    predictor: Predictor,
    modules: Mapping[ModulePath, nn.Module],
    lesson: Lesson,
    rows: int,
    generator: torch.Generator,
) -> Generator[int, None, dict[ModulePath, float]]:
    """Squared change of a prediction for a squared change of each module's weight.

    A small error E of a weight changes the prediction by about sum over positions E[|g|^2] E[|E x|^2] in
    square, with the input x and the gradient g at the output, of the prediction seen through random signs:
    a module counts by the mean square of its input times that of its gradient. A bias is a weight whose
    input is 1, and that of a norm one whose input has mean square 1. Each picture is asked about twice.

    Args:
        predictor: The base, wearing nothing.
        modules: Linears, convolutions and norms, by the path of their weight.
        lesson: Pictures that the base drew.
        rows: Of one forward pass.
        generator: Of noise, timesteps and signs.

    Yields:
        How many questions are done, of two for each picture.

    Returns:
        One for the weight and one for the bias of each module that took part in a prediction: multiplied by
        ||E||^2 it foretells the squared change of the whole prediction, mean over rows.

    Source: Kronecker-factored curvature (Martens & Grosse, arXiv:1503.05671) with one number for each side.
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
            yield start + len(part)
    finally:
        for handle in handles:
            handle.remove()
    return dict(_found(moments))


def _found(moments: Mapping[ModulePath, "_Moments"]) -> Iterable[tuple[ModulePath, float]]:
    for path, seen in moments.items():
        if seen.gradient > 0.0:
            yield path, seen.gradient * seen.input
            yield path._replace(parameter="bias"), seen.gradient


class _Moments:
    """Running means of one module's two sides."""

    def __init__(self) -> None:
        self._inputs: list[Tensor] = []
        self._gradients: list[Tensor] = []

    def watch(self, module: nn.Module) -> RemovableHandle:
        """Begin to count."""
        return module.register_forward_hook(self._forward)

    @property
    def gradient(self) -> float:
        """Mean over rows and output features of the squared gradient, summed over positions; 0 for none."""
        return float(torch.stack(self._gradients).mean()) if self._gradients else 0.0

    @property
    def input(self) -> float:
        """Mean square of the input; 1 for a norm."""
        return float(torch.stack(self._inputs).mean()) if self._inputs else 1.0

    @torch.no_grad()
    def _forward(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            self._inputs.append(inputs[0].detach().float().square().mean().cpu())
        # The base is frozen, so the graph begins at the first module that is watched.
        given = None if output.requires_grad else output.detach().requires_grad_()
        features = 1 if isinstance(module, (nn.Conv2d, nn.GroupNorm)) else output.dim() - 1
        (output if given is None else given).register_hook(lambda g: self._backward(g, features))
        return given

    def _backward(self, gradient: Tensor, features: int) -> None:
        size = gradient.shape[0] * gradient.shape[features]
        self._gradients.append((gradient.float().square().sum() / size).cpu())
