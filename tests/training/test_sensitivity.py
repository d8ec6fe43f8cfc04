"""A sensitivity foretells what a small error of a weight does to the prediction."""

import torch

from eigenlorax.events import drain
from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import Component
from eigenlorax.runtime.inject import Injection
from eigenlorax.runtime.live import LiveInjection
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.training.lesson import draw_lesson
from eigenlorax.training.predictor import Predictor
from eigenlorax.training.sensitivity import measure_sensitivity
from tests import tiny


def test_it_ranks_modules_by_what_an_error_in_them_does(base: BaseModel) -> None:
    chance = torch.Generator().manual_seed(0)
    with LiveInjection(base.modules) as live:
        predictor = Predictor(base.pipeline, live, tiny.SIDE)
        lesson = drain(draw_lesson(predictor, {}, [(0, "a b"), (0, "c"), (0, "d e"), (0, "f")], 1, 4, chance))
        found = drain(measure_sensitivity(predictor, base.modules, lesson, 4, chance))
        times = torch.tensor([100, 300, 600, 900])
        alphas = base.pipeline.scheduler.alphas_cumprod
        question = lesson.asked(torch.arange(4), times, [False] * 4, alphas, chance)
        with torch.no_grad():
            truth = predictor.answer(question, {}, 1)
        foretold, happened = [], []
        paths = [p for p in base.layout if p.component is Component.UNET and p.parameter == "weight"]
        with torch.no_grad(), Injection(base.parameters) as injection:
            for path in paths[::3]:
                rows, columns = base.layout[path].matrix
                size = 1e-3 * float(torch.rand((), generator=chance) + 0.5)
                error = torch.randn(rows, columns, generator=chance) * size
                left, s, right = torch.linalg.svd(error, full_matrices=False)
                injection.apply({path: LoRALayer(left * s, right)})
                happened.append(float((predictor.answer(question, {}, 1) - truth).square().sum(1).sum()) / 4)
                foretold.append(found[path] * float(error.square().sum()))
    ratios = torch.tensor(happened).log() - torch.tensor(foretold).log()
    spread = torch.tensor(happened).log()
    assert float(ratios.std()) < 0.5 * float(spread.std())  # most of what differs between modules is foretold
    assert abs(float(ratios.median())) < 1.5  # and the size is right within a factor of e^1.5


def test_every_part_of_the_model_is_measured(base: BaseModel) -> None:
    chance = torch.Generator().manual_seed(0)
    with LiveInjection(base.modules) as live:
        predictor = Predictor(base.pipeline, live, tiny.SIDE)
        lesson = drain(draw_lesson(predictor, {}, [(0, "a"), (0, "b")], 1, 2, chance))
        found = drain(measure_sensitivity(predictor, base.modules, lesson, 2, chance))
        again = drain(
            measure_sensitivity(
                predictor,
                base.modules,
                drain(
                    draw_lesson(predictor, {}, [(0, "a"), (0, "b")], 1, 2, torch.Generator().manual_seed(0))
                ),
                2,
                torch.Generator().manual_seed(1),
            )
        )
    assert {path.component for path in found} == set(Component)
    assert all(value > 0.0 for value in found.values())
    assert found.keys() == again.keys()
    assert not any(module._forward_hooks for module in base.modules.values())
