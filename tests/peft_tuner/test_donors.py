"""Columns from saved LoRAs of any model."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import LoHaConfig, LoraConfig, get_peft_model
from torch import Tensor, nn

from eigenlorax.peft_tuner import AdapterError, EigenLoRAxConfig
from eigenlorax.peft_tuner.donors import columns_of_donors
from tests.peft_tuner.conftest import Convolved, ask, gpt2, llama

pytestmark = pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
)  # peft's


def saved(folder: Path, build: Callable[[], nn.Module], config: LoraConfig, seed: int) -> dict[str, Tensor]:
    """A LoRA with random factors on disk; returns its updates as peft merges them, by module name."""
    model = get_peft_model(build(), config)
    torch.manual_seed(seed)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            nn.init.normal_(parameter)
    model.save_pretrained(folder)
    return {
        name.removeprefix("base_model.model."): layer.get_delta_weight("default").detach()
        for name, layer in model.named_modules()
        if hasattr(layer, "get_delta_weight")
    }


@pytest.mark.parametrize(
    ("build", "options"),
    [
        (
            llama,
            {"target_modules": ["q_proj", "up_proj"], "use_rslora": True, "rank_pattern": {"up_proj": 3}},
        ),
        (gpt2, {"target_modules": ["c_attn"], "fan_in_fan_out": True}),
        (
            Convolved,
            {"target_modules": ["first", "second", "third"], "lora_alpha": 3, "alpha_pattern": {"third": 9}},
        ),
    ],
)
def test_every_donor_lies_within(
    tmp_path: Path, build: Callable[[], nn.Module], options: dict[str, object]
) -> None:
    donors = [saved(tmp_path / str(seed), build, LoraConfig(r=2, **options), seed) for seed in range(3)]
    folders = [str(tmp_path / str(seed)) for seed in range(3)]
    for name, columns in columns_of_donors(folders, None).items():
        for donor in donors:
            delta = donor[name].mT if build is gpt2 else donor[name].flatten(1)
            core = columns.out.mT @ delta @ columns.into
            assert float((columns.out @ core @ columns.into.mT - delta).norm()) < 2e-3 * float(delta.norm())
    model = get_peft_model(build(), EigenLoRAxConfig(basis=folders))
    assert torch.equal(ask(model), ask(build()))
    assert model.peft_config["default"].to_dict()["basis"] == folders


def test_few_columns_keep_as_much_as_the_best_known(tmp_path: Path) -> None:
    """Never less than the HOSVD of the normed donors, made here densely."""
    options = {"target_modules": ["q_proj"], "r": 4}
    donors = [saved(tmp_path / str(seed), llama, LoraConfig(**options), seed) for seed in range(3)]
    columns = columns_of_donors([str(tmp_path / str(seed)) for seed in range(3)], 3)
    norms = [sum(float(delta.square().sum()) for delta in donor.values()) ** 0.5 for donor in donors]
    for name, found in columns.items():
        assert found.size == (3, 3)
        torch.testing.assert_close(found.out.mT @ found.out, torch.eye(3), atol=1e-5, rtol=0)
        normed = [donor[name] / norm for donor, norm in zip(donors, norms, strict=True)]
        out = torch.linalg.svd(torch.cat(normed, 1))[0][:, :3]
        into = torch.linalg.svd(torch.cat([delta.mT for delta in normed], 1))[0][:, :3]
        best = sum(float((out.mT @ delta @ into).square().sum()) for delta in normed)
        kept = sum(float((found.out.mT @ delta @ found.into).square().sum()) for delta in normed)
        assert kept >= best * 0.999


def test_only_plain_loras_are_donors(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="is no saved adapter"):
        get_peft_model(llama(), EigenLoRAxConfig(basis=[str(tmp_path)]))
    get_peft_model(llama(), LoraConfig(target_modules=["q_proj"], use_dora=True)).save_pretrained(
        tmp_path / "dora"
    )
    get_peft_model(llama(), LoHaConfig(target_modules=["q_proj"])).save_pretrained(tmp_path / "loha")
    get_peft_model(llama(), LoraConfig(target_modules=["embed_tokens"])).save_pretrained(
        tmp_path / "words", save_embedding_layers=False
    )
    for name, words in [("dora", "is a DoRA"), ("loha", "of type"), ("words", "no pair of factors")]:
        with pytest.raises(AdapterError, match=words):
            columns_of_donors([str(tmp_path / name)], None)
