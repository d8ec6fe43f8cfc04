"""Every key family on the true SDXL's shapes: the update that the listing means is the update that is read."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from eigenlorax.formats.read import LoRAReader
from eigenlorax.formats.report import Fate, Verdict
from eigenlorax.module_path import ModulePath
from tests import headers

FAMILIES = {
    path.stem: json.loads(path.read_text()) for path in sorted((headers.FIXTURES / "keys").glob("*.json"))
}
DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
LAYOUT = headers.sdxl_layout()


def base_weight(path: ModulePath) -> Tensor:
    """A weight for every module, from its name."""
    rows, columns = LAYOUT[path].matrix
    generator = torch.Generator().manual_seed(sum(map(ord, path.name)))
    return torch.randn(rows, columns, generator=generator) / columns**0.5


@pytest.fixture(scope="module")
def reader() -> LoRAReader:
    return LoRAReader(LAYOUT, base_weight)


def draw(family: dict[str, Any], seed: int, dtype: torch.dtype) -> dict[str, Tensor]:
    """Values for a listing: factors of unit size, alphas that differ from module to module."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for key, shape in family["keys"].items():
        drawn = torch.randn(shape, generator=generator) * (0.02 if key.endswith("oft_blocks") else 1.0)
        tensors[key] = (drawn.abs() + 0.5 if not shape or "magnitude" in key else drawn).to(dtype)
    return tensors


def reference(module: str, roles: dict[str, str], tensors: dict[str, Tensor]) -> Tensor:
    """The update by the field's formulas, in float64, dense."""
    path = ModulePath.parse(module)
    values = {role: tensors[key].double() for role, key in roles.items()}
    base = base_weight(path).double()
    if "oft_blocks" in values:
        blocks = values["oft_blocks"]
        q = blocks - blocks.mT
        eye = torch.eye(q.shape[-1], dtype=torch.float64)
        turn = (eye + q) @ torch.linalg.inv(eye - q)
        grouped = base.reshape(*q.shape[:2], -1)
        return torch.einsum("knm,kni->kmi", turn, grouped).reshape(base.shape) - base
    down, up = values["down"].flatten(1), values["up"].flatten(1)
    scale = float(values["alpha"]) / down.shape[0] if "alpha" in values else 1.0
    update = scale * up @ down
    if "magnitude" in values:
        turned = base + update
        return values["magnitude"][:, None] * turned / turned.norm(dim=1, keepdim=True) - base
    return update


def relative_error(found: Tensor, expected: Tensor) -> float:
    return float((found.double() - expected).norm() / expected.norm())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FAMILIES)
def test_the_update_is_the_one_that_was_written(
    tmp_path: Path, reader: LoRAReader, name: str, dtype: str
) -> None:
    family = FAMILIES[name]
    tensors = draw(family, seed=sum(map(ord, name)), dtype=DTYPES[dtype])
    path = tmp_path / "x.safetensors"
    save_file(tensors, path)
    report = reader.scan(path)
    assert (report.verdict, report.reason) == (Verdict.USABLE, "")
    assert {fate.fate for fate in report.fates.values()} <= {Fate.USED, Fate.FOLDED}
    lora = reader.open(path)
    assert {str(module) for module in lora.layers} == family["modules"].keys()
    for module, roles in family["modules"].items():
        layer = lora.layers[ModulePath.parse(module)]
        exact = not {"oft_blocks", "magnitude"} & roles.keys()
        # Dense updates are cut at the rank that keeps all but a millionth of their energy.
        limit = 1e-6 if exact else 1.1e-3
        assert relative_error(layer.up @ layer.down, reference(module, roles, tensors)) < limit


@pytest.mark.parametrize("name", ["01-kohya-sgm", "07-peft-diffusers"])
@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2], ids=["e4m3", "e5m2"])
def test_fp8_files(tmp_path: Path, reader: LoRAReader, name: str, dtype: torch.dtype) -> None:
    family = FAMILIES[name]
    tensors = {key: value.to(dtype) for key, value in draw(family, 3, torch.float32).items()}
    save_file(tensors, tmp_path / "x.safetensors")
    lora = reader.open(tmp_path / "x.safetensors")
    for module, roles in family["modules"].items():
        layer = lora.layers[ModulePath.parse(module)]
        assert relative_error(layer.up @ layer.down, reference(module, roles, tensors)) < 1e-6


MIXABLE = [name for name in FAMILIES if name[:2] not in ("03", "06", "08", "09", "10", "14", "17", "18")]


@settings(max_examples=25, deadline=None)
@given(
    choices=st.lists(st.sampled_from(MIXABLE), min_size=4, max_size=4),
    half=st.booleans(),
    seed=st.integers(0, 99),
)
def test_families_may_be_mixed_within_one_file(
    tmp_path_factory: pytest.TempPathFactory, choices: list[str], half: bool, seed: int
) -> None:
    reader = LoRAReader(LAYOUT, base_weight)
    modules = list(FAMILIES["01-kohya-sgm"]["modules"])[:4]
    picked: dict[str, dict[str, str]] = {}
    tensors: dict[str, Tensor] = {}
    for module, name in zip(modules, choices, strict=True):
        family = FAMILIES[name]
        if module not in family["modules"]:
            continue
        roles = family["modules"][module]
        values = draw(family, seed, torch.float16 if half else torch.float32)
        picked[module] = roles
        tensors |= {key: values[key] for key in roles.values()}
    path = tmp_path_factory.getbasetemp() / "mixed.safetensors"
    save_file(tensors, path)
    lora = reader.open(path)
    assert {str(module) for module in lora.layers} == picked.keys()
    for module, roles in picked.items():
        layer = lora.layers[ModulePath.parse(module)]
        assert relative_error(layer.up @ layer.down, reference(module, roles, tensors)) < 1e-6
