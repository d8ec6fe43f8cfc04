"""A fit on CUDA: the same store as on the CPU up to rounding, and all of it back in main memory."""

import pytest
import torch

from eigenlorax.events import drain
from eigenlorax.lora import LoRA
from eigenlorax.subspace.fit import Fit, Goal, fit
from eigenlorax.subspace.range_finder import RangeFinder
from tests.subspace.test_allocate import collection, true_error

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA: no such device here"),
]


def _fit(loras: list[LoRA], device: str, goal: Goal) -> Fit:
    return drain(fit(loras, {}, "layout", goal, device=torch.device(device)))


@pytest.mark.parametrize("goal", [Goal(retain=0.9), Goal(number_bytes=3000)])
@pytest.mark.parametrize("shared", [0.3, 1.0])
def test_the_device_changes_where_not_what(shared: float, goal: Goal) -> None:
    loras = collection(shared, 6, 1)
    here, there = _fit(loras, "cpu", goal), _fit(loras, "cuda", goal)
    assert true_error(loras, there) == pytest.approx(true_error(loras, here), rel=1e-3, abs=1e-4)
    for path, basis in there.subspace.bases.items():
        assert basis.out.device.type == basis.into.device.type == "cpu"
        assert basis.core_shape == here.subspace.bases[path].core_shape
    for projection in there.projections.values():
        assert all(core.device.type == "cpu" for core in projection.cores.values())
        assert all(
            layer.up.device.type == layer.down.device.type == "cpu" for layer in projection.residuals.values()
        )


def test_a_sketch_on_the_device_is_as_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RangeFinder.__init__, "__defaults__", (8, 6))
    loras = collection(0.8, 12, 2)
    here, there = (_fit(loras, device, Goal(number_bytes=4000)) for device in ("cpu", "cuda"))
    assert true_error(loras, there) == pytest.approx(true_error(loras, here), rel=5e-3)


def test_the_same_twice() -> None:
    loras = collection(0.5, 5, 3)
    first, again = (_fit(loras, "cuda", Goal(retain=0.8)) for _ in range(2))
    assert first.subspace.hash == again.subspace.hash
