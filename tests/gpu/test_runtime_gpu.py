"""On CUDA: recordings predict what eager calls predict, through any number of switches, and the base comes back."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from eigenlorax.events import drain
from eigenlorax.formats.read import LoRAReader
from eigenlorax.home import DEMO_LORAS, DEMO_MODEL
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.engine import Engine
from eigenlorax.runtime.graph import CudaRecorder
from eigenlorax.runtime.hardware import Hardware
from eigenlorax.runtime.options import Mode
from eigenlorax.runtime.packed import Pieces
from eigenlorax.runtime.paint import paint
from eigenlorax.runtime.passes import Rows, TorchPasses, passes_for
from eigenlorax.runtime.prompt import Prompt
from eigenlorax.runtime.sdxl import BaseModel, load_base
from eigenlorax.subspace.fit import Goal, fit
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.style import Style, blend_layers
from eigenlorax.subspace.subspace import Subspace

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA: no such device here"),
]
Store = tuple[Subspace, dict[str, Style]]


@pytest.fixture(scope="module")
def cuda_base() -> BaseModel:
    return load_base(str(DEMO_MODEL), Hardware(torch.device("cuda"), torch.float16, "CUDA"))


@pytest.fixture(scope="module")
def store(cuda_base: BaseModel) -> Store:
    reader = LoRAReader(
        cuda_base.layout, lambda path: cuda_base.parameters[path].detach().float().flatten(1).cpu()
    )
    loras = [reader.open(path) for path in sorted(DEMO_LORAS.glob("*.safetensors"))[:12]]
    goal = Goal(number_bytes=600_000, numbers=Numbers.INT8)
    result = drain(fit(loras, {}, cuda_base.layout_hash, goal, device=torch.device("cuda")))
    return result.subspace, result.styles({lora.name: () for lora in loras})


@pytest.fixture(params=[Mode.MERGED, Mode.LIVE])
def engine(cuda_base: BaseModel, request: pytest.FixtureRequest) -> Iterator[Engine]:
    engine = Engine(cuda_base, request.param, CudaRecorder())
    yield engine
    engine.wear_nothing()


def asked(engine: Engine, rows: int = 2, seed: int = 0) -> Tensor:
    chance = torch.Generator("cuda").manual_seed(seed)
    config = engine.base.pipeline.unet.config

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=chance, device="cuda", dtype=torch.float16)

    width = engine.base.pipeline.text_encoder_2.config.projection_dim
    prompt = Prompt(draw(rows, 77, config.cross_attention_dim), draw(rows, width), draw(rows, 6))
    with torch.inference_mode():
        return engine.brush().unet(draw(rows, 4, 16, 16), torch.tensor(500.0, device="cuda"), prompt)


def test_recordings_are_exact_through_a_thousand_switches(engine: Engine, store: Store) -> None:
    names = list(store[1])
    blends = [
        {names[0]: 1.0},
        {names[1]: 0.5, names[2]: -0.7, names[3]: 0.2},
        dict.fromkeys(names[:10], 0.3),
        {},
    ]
    seen: dict[int, Tensor] = {}
    chance = torch.Generator().manual_seed(1)
    for turn in range(1000):
        which = int(torch.randint(len(blends), (1,), generator=chance))
        engine.wear_blend(*store, blends[which])
        if turn % 10 == 0:
            predicted = asked(engine)
            assert torch.equal(predicted, seen.setdefault(which, predicted))
        drawn = torch.randn(len(names), generator=chance).tolist()
        engine.wear_blend(*store, dict(zip(names, drawn, strict=True)))
    assert len(seen) == len(blends)
    assert engine.recordings <= 2


def test_recordings_predict_what_eager_calls_of_dense_weights_predict(engine: Engine, store: Store) -> None:
    names = list(store[1])
    bare = Engine(engine.base)
    for blend in ({names[0]: 1.0}, dict.fromkeys(names[:5], 0.4), {names[7]: -1.0}):
        engine.wear_blend(*store, blend)
        recorded = asked(engine)
        engine.wear_nothing()
        injection = bare._dresser.injection
        injection.apply(blend_layers(*store, blend))
        expected = asked(bare)
        injection.eject()
        error = (recorded - expected).float().norm() / expected.float().norm()
        assert float(error) < 5e-3


def test_the_base_comes_back_bit_for_bit_also_after_an_exception(engine: Engine, store: Store) -> None:
    before = {path: parameter.detach().clone() for path, parameter in engine.base.parameters.items()}
    names = list(store[1])
    engine.wear_blend(*store, dict.fromkeys(names, 0.3))
    request = GenerationRequest("a cat", steps=6, width=128, height=128)
    painting = paint(engine.base.pipeline, request, engine.brush())
    next(painting)
    painting.close()
    engine.wear_nothing()
    assert all(torch.equal(before[path], parameter) for path, parameter in engine.base.parameters.items())


def test_each_row_of_a_batch_wears_its_own(engine: Engine, store: Store) -> None:
    names = list(store[1])
    blends = [{names[0]: 1.0}, {names[1]: 1.0}, {}]
    alone = []
    for blend in blends:
        engine.wear_blend(*store, blend)
        alone.append(asked(engine, 3))
    engine.wear_blends(*store, blends)
    together = asked(engine, 3)
    for row, expected in enumerate(alone):
        error = (together[row] - expected[row]).float().norm() / expected[row].float().norm()
        assert float(error) < 5e-3
    again = asked(engine, 6)
    assert again.shape[0] == 6


def test_triton_writes_what_torch_writes() -> None:
    quick, chance = passes_for(torch.device("cuda"), torch.float16), torch.Generator("cuda").manual_seed(3)
    assert not isinstance(quick, TorchPasses)
    for n, out, into, rank in ((3, 640, 1280, 40), (2, 100, 72, 8), (1, 1280, 2880, 24), (2, 33, 1, 7)):
        base, up, turned = (
            torch.randn(*shape, generator=chance, device="cuda", dtype=torch.float16)
            for shape in ((n, out, into), (n, rank, out), (n, rank, into))
        )
        weights = torch.full_like(base, float("nan"))
        quick.rewrite(weights, base, up, turned)
        expected = base.double() + up.double().mT @ turned.double()
        error = (weights.double() - expected).norm() / expected.norm()
        assert float(error) < 4e-4
        quick.rewrite(weights, base, torch.zeros_like(up), turned)
        assert torch.equal(weights, base)
    for size, dtype in ((128, torch.int8), (64, torch.float16), (4, torch.int8), (1, torch.float16)):
        side = torch.arange(10, device="cuda") % 4
        pieces = Pieces(
            torch.randint(-127, 128, (100, size), generator=chance, device="cuda").to(dtype),
            torch.arange(100, device="cuda", dtype=torch.int32) // 10,
            torch.rand(10, generator=chance, device="cuda").half(),
            torch.arange(10, device="cuda") * 10, side, torch.arange(10, device="cuda") // 4,
        )  # fmt: skip
        order = torch.randperm(10, generator=chance, device="cuda")
        rows = Rows(order * 40 - pieces.first, torch.full_like(order, 10))
        before = torch.tensor([0, 3, 1, 2], device="cuda")
        found, expected = (torch.zeros(440, size, device="cuda", dtype=torch.float16) for _ in range(2))
        quick.lay(found, pieces, rows, before)
        TorchPasses().lay(expected, replace(pieces, scales=pieces.scales.float()), rows, before)
        assert torch.equal(found, expected)
