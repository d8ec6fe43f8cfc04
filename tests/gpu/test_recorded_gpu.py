"""On CUDA: a recorded step has the gradients of one that is computed anew, and learns the same."""

from collections.abc import Iterator
from functools import cache

import pytest
import torch
from torch import Tensor

from eigenlorax.events import drain
from eigenlorax.home import DEMO_MODEL
from eigenlorax.runtime.graph import CudaRecorder, Recorder
from eigenlorax.runtime.hardware import Hardware
from eigenlorax.runtime.live import LiveInjection, StackedUpdate
from eigenlorax.runtime.sdxl import BaseModel, load_base
from eigenlorax.training import predictor as predictor_room
from eigenlorax.training.descent import Pace, descend
from eigenlorax.training.predictor import Predictor, Updates
from eigenlorax.training.recorded import summed
from eigenlorax.training.shown import Posed
from eigenlorax.training.student import Student
from tests import tiny

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA: no such device here"),
]
SHAPES = ((2, 16, 16), (3, 12, 20))


@pytest.fixture(scope="module")
def cuda_base() -> BaseModel:
    return load_base(str(DEMO_MODEL), Hardware(torch.device("cuda"), torch.float16, "CUDA"))


@pytest.fixture(params=[False, True], ids=["kept", "computed again"])
def predictor(
    cuda_base: BaseModel, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Predictor]:
    if request.param:
        monkeypatch.setattr(predictor_room, "SMALL_SIDE", 0)
    with LiveInjection(cuda_base.modules) as live:
        predictor = Predictor(cuda_base.pipeline, live, 128)
        with predictor.sparing():
            yield predictor


@pytest.fixture(scope="module")
def start(cuda_base: BaseModel) -> Updates:
    """Random cores in random columns."""
    chance = torch.Generator().manual_seed(3)
    found = {}
    for path, layer in tiny.lora(cuda_base.layout, "frames", 4).layers.items():
        out, into = torch.linalg.qr(layer.up)[0].cuda(), torch.linalg.qr(layer.down.mT)[0].cuda()
        none = torch.zeros(0, dtype=torch.long, device="cuda")
        cores = 0.1 * torch.randn(1, out.shape[1], into.shape[1], generator=chance)
        found[path] = StackedUpdate(out, into, cores.cuda(), out[:, :0], into[:, :0].mT, none)
    return found


def student_of(start: Updates) -> Student:
    return Student(start, {(path, "cores"): torch.ones_like(update.cores) for path, update in start.items()})


@cache
def parts_at(step: int, widths: tuple[int, int]) -> list[Posed]:
    """Both shapes by turns; every third step has two parts."""
    chance = torch.Generator("cuda").manual_seed(step)
    rows, *size = SHAPES[step % 2]

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=chance, device="cuda")

    return [
        Posed(
            drawn(rows, 4, *size), torch.randint(1000, (rows,), generator=chance, device="cuda"),
            drawn(rows, 4, *size), drawn(rows).abs(), drawn(rows, 77, widths[0]).half(),
            drawn(rows, widths[1]).half(), torch.full((rows, 6), 128.0, device="cuda").half(),
        )
        for _ in range(2 if step % 3 == 0 else 1)
    ]  # fmt: skip


class Case:
    """A student with its slope."""

    def __init__(self, predictor: Predictor, start: Updates, recorder: Recorder | None) -> None:
        pipeline = predictor.pipeline
        widths = pipeline.unet.config.cross_attention_dim, pipeline.text_encoder_2.config.projection_dim
        self.student, one = student_of(start), torch.ones(1, 1, device="cuda")

        def error(posed: Posed, updates: Updates) -> Tensor:
            return (posed.weight * posed.squared_errors(predictor, updates, one)).mean()

        def loss_of(*inputs: Tensor) -> Tensor:
            return error(Posed(*inputs), self.student.updates())

        def measured(updates: Updates) -> tuple[float, ...]:
            return (float(error(parts_at(0, widths)[0], updates)),)

        self.measured = measured

        self.slope = summed(loss_of, lambda step: parts_at(step, widths), self.student.parameters(), recorder)

    def flat(self) -> Tensor:
        return torch.cat([z.grad.flatten() for z in self.student.parameters() if z.grad is not None])


def apart(mine: Tensor, other: Tensor) -> float:
    return float((mine - other).norm() / other.norm())


@pytest.mark.parametrize("half", [False, True])
def test_gradients_over_shapes_parts_and_scales(predictor: Predictor, start: Updates, half: bool) -> None:
    mine, other = Case(predictor, start, CudaRecorder()), Case(predictor, start, None)
    scaler = torch.amp.GradScaler("cuda", enabled=half, init_scale=1024.0)
    before: Tensor | None = None
    for step in range(1, 9):
        for case in (mine, other):
            for z in case.student.parameters():
                z.grad = torch.zeros_like(z) if z.grad is None else z.grad.zero_()
        losses = [case.slope(step, scaler) for case in (mine, other)]
        torch.testing.assert_close(*losses, rtol=1e-3, atol=1e-5)
        gradient = other.flat()
        assert gradient.isfinite().all()
        assert float(gradient.norm()) > 0.0
        assert apart(mine.flat(), gradient) < 5e-3
        assert before is None or apart(gradient, before) > 0.5  # no step's gradient would pass for another's
        before = gradient
        with torch.no_grad():
            for case in (mine, other):
                for z, move in zip(case.student.parameters(), other.student.parameters(), strict=True):
                    assert move.grad is not None
                    z.sub_(0.1 * torch.sign(move.grad))
        scaler = torch.amp.GradScaler("cuda", enabled=half, init_scale=512.0 if step > 3 else 1024.0)


def test_it_learns_the_same(predictor: Predictor, start: Updates) -> None:
    found = []
    for recorder in (CudaRecorder(), None):
        case = Case(predictor, start, recorder)
        going = descend(case.student, case.slope, case.measured, Pace(12, 0.02, 4), half=True)
        reached = drain(going)
        found.append(torch.cat([z.flatten() for z in reached.now]))
    assert float(found[1].norm()) > 0.0
    assert apart(*found) < 0.02
