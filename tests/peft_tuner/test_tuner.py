"""EigenLoRAx among peft's methods: the algebra, what learns, files, several adapters, and the way back."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import PeftConfig, PeftModel, PeftType, get_peft_model
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING, PEFT_TYPE_TO_TUNER_MAPPING
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import eigenlorax
from eigenlorax.peft_tuner import AdapterError, EigenLoRAxConfig, EigenLoRAxModel, Linear, save_basis
from eigenlorax.peft_tuner.layers import EigenLoRAxLayer
from tests.peft_tuner.conftest import (
    MODELS,
    Convolved,
    ask,
    ask_to_learn,
    basis_for,
    clip,
    gpt2,
    llama,
    shake,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
)  # peft's
Made = tuple[Callable[[], nn.Module], tuple[str, ...]]


def adapted(made: Made, seed: int = 1, **options: object) -> PeftModel:
    build, endings = made
    model = build()
    config = EigenLoRAxConfig(basis=basis_for(model, endings), **options)
    return shake(get_peft_model(model, config), seed=seed)


def layers(model: nn.Module) -> list[EigenLoRAxLayer]:
    return [module for module in model.modules() if isinstance(module, EigenLoRAxLayer)]


def dense(
    build: Callable[[], nn.Module], model: PeftModel, adapter: str = "default", alpha: float = 1.0
) -> nn.Module:
    """The oracle: the bare model with W + alpha U M V^T written into it as one matrix, in float64."""
    bare = build()
    for key, layer in model.named_modules():
        if isinstance(layer, EigenLoRAxLayer):
            parts = (layer.eigenlorax_out, layer.eigenlorax_core, layer.eigenlorax_into)
            out, core, into = (part[adapter].detach().double() for part in parts)
            delta = alpha * out @ core @ into.mT
            weight = bare.get_submodule(key.removeprefix("base_model.model.")).weight
            turned = delta.mT if type(layer.wrapped).__name__ == "Conv1D" else delta.reshape(weight.shape)
            weight.data = (weight.double() + turned).float()
    return bare


def test_it_is_one_of_pefts_methods() -> None:
    member = PeftType("EIGENLORAX")
    assert member is PeftType["EIGENLORAX"] is PeftType.EIGENLORAX
    assert member in list(PeftType)
    assert member == "EIGENLORAX"
    assert json.dumps(member) == '"EIGENLORAX"'
    assert deepcopy(member) is member
    assert PEFT_TYPE_TO_CONFIG_MAPPING[member] is EigenLoRAxConfig is eigenlorax.EigenLoRAxConfig
    assert PEFT_TYPE_TO_TUNER_MAPPING[member] is EigenLoRAxModel


def test_starts_as_the_base(made: Made) -> None:
    build, endings = made
    model = build()
    config = EigenLoRAxConfig(basis=basis_for(model, endings))
    bare = ask(model)
    assert torch.equal(ask(get_peft_model(model, config)), bare)


@pytest.mark.parametrize("alpha", [1.0, -0.5])
def test_adds_u_m_v(made: Made, alpha: float) -> None:
    model = adapted(made, eigenlorax_alpha=alpha)
    assert not torch.allclose(ask(model), ask(made[0]()), atol=1e-3)
    torch.testing.assert_close(ask(model), ask(dense(made[0], model, alpha=alpha)), atol=2e-5, rtol=1e-4)


def test_only_cores_learn(made: Made) -> None:
    model = adapted(made)
    trainable, _ = model.get_nb_trainable_parameters()
    assert trainable == 4 * 3 * len(layers(model))
    frozen = {
        name: tensor.clone() for name, tensor in model.state_dict().items() if "eigenlorax_core" not in name
    }
    ask_to_learn(model).square().sum().backward()
    for name, parameter in model.named_parameters():
        learns = "eigenlorax_core" in name
        assert parameter.requires_grad == learns
        assert (parameter.grad is not None and bool(parameter.grad.any())) == learns
    torch.optim.SGD(model.parameters(), 0.1).step()
    after = model.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in frozen.items())


def test_gradient_is_the_dense_one_seen_from_both_sides() -> None:
    """dL/dM = U^T (dL/dW) V."""
    model = adapted(MODELS["llama"])
    ask_to_learn(model).square().sum().backward()
    bare = dense(llama, model).requires_grad_(True)
    ask_to_learn(bare).square().sum().backward()
    for key, layer in model.named_modules():
        if isinstance(layer, Linear):
            gradient = bare.get_submodule(key.removeprefix("base_model.model.")).weight.grad
            seen = layer.eigenlorax_out["default"].mT @ gradient @ layer.eigenlorax_into["default"]
            torch.testing.assert_close(layer.eigenlorax_core["default"].grad, seen, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("low", [False, True])
def test_a_saved_adapter_comes_back_bit_for_bit(made: Made, tmp_path: Path, low: bool) -> None:
    model = adapted(made, eigenlorax_alpha=0.7)
    model.save_pretrained(tmp_path)
    again = PeftModel.from_pretrained(made[0](), tmp_path, low_cpu_mem_usage=low)
    assert torch.equal(ask(again), ask(model))
    one, other = model.state_dict(), again.state_dict()
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not any(parameter.requires_grad for parameter in again.parameters())
    trainable = PeftModel.from_pretrained(made[0](), tmp_path, is_trainable=True)
    assert trainable.get_nb_trainable_parameters() == model.get_nb_trainable_parameters()
    config = PeftConfig.from_pretrained(tmp_path)
    assert isinstance(config, EigenLoRAxConfig)
    assert config.basis_hash == model.peft_config["default"].basis_hash


def test_the_basis_is_saved_once_and_named_by_its_hash(made: Made, tmp_path: Path) -> None:
    build, _ = made
    model = adapted(made, save_basis=False)
    digest = save_basis(model, tmp_path / "basis.safetensors")
    for seed in (1, 2):
        shake(model, seed=seed)
        model.peft_config["default"].basis = "../basis.safetensors"
        model.save_pretrained(tmp_path / f"adapter{seed}")
        kept = load_file(tmp_path / f"adapter{seed}" / "adapter_model.safetensors")
        assert all(name.endswith("eigenlorax_core") for name in kept)
        assert (
            json.loads((tmp_path / f"adapter{seed}" / "adapter_config.json").read_text())["basis_hash"]
            == digest
        )
        again = PeftModel.from_pretrained(build(), tmp_path / f"adapter{seed}")
        assert torch.equal(ask(again), ask(model))
    again.load_adapter(tmp_path / "adapter1", "first")
    for layer in layers(again):
        assert layer.eigenlorax_out["first"] is layer.eigenlorax_out["default"]
    # A basis of other columns is refused, and so is none.
    other = EigenLoRAxConfig.from_pretrained(tmp_path / "adapter1")
    other.basis = basis_for(build(), made[1], seed=5)
    with pytest.raises(AdapterError, match="not the one that this adapter was made with"):
        PeftModel.from_pretrained(build(), tmp_path / "adapter1", config=other)
    other.basis = None
    with pytest.raises(AdapterError, match="saved without its columns"):
        PeftModel.from_pretrained(build(), tmp_path / "adapter1", config=other)
    # Where the model has the columns already, the hash suffices.
    again.add_adapter("third", other)
    assert layers(again)[0].eigenlorax_into["third"] is layers(again)[0].eigenlorax_into["default"]


def test_merged_is_unmerged_and_back_again(made: Made) -> None:
    model, bare = adapted(made), made[0]()
    weights = {name: tensor.clone() for name, tensor in bare.state_dict().items()}
    expected = ask(model)
    model.merge_adapter()
    torch.testing.assert_close(ask(model), expected, atol=2e-5, rtol=1e-4)
    model.unmerge_adapter()
    assert torch.equal(ask(model), expected)
    base = {
        name.replace(".base_layer", ""): tensor
        for name, tensor in model.get_base_model().state_dict().items()
    }
    assert all(torch.equal(base[name], tensor) for name, tensor in weights.items())
    merged = model.merge_and_unload(safe_merge=True)
    assert type(merged) is type(bare)
    assert not layers(merged)
    torch.testing.assert_close(ask(merged), expected, atol=2e-5, rtol=1e-4)


def test_unloaded_is_the_base_bit_for_bit(made: Made) -> None:
    model, bare = adapted(made), made[0]()
    with model.disable_adapter():
        assert torch.equal(ask(model), ask(bare))
    unloaded = model.unload()
    assert unloaded.state_dict().keys() == bare.state_dict().keys()
    assert all(torch.equal(unloaded.state_dict()[name], tensor) for name, tensor in bare.state_dict().items())


def test_a_broken_adapter_is_not_merged() -> None:
    model = adapted(MODELS["llama"])
    layers(model)[0].eigenlorax_core["default"].data[0, 0] = torch.nan
    with pytest.raises(AdapterError, match="not finite"):
        model.merge_and_unload(safe_merge=True)


def test_several_adapters(made: Made) -> None:
    build, endings = made
    model = adapted(made)
    one = ask(model)
    model.add_adapter(
        "other", EigenLoRAxConfig(basis=basis_for(build(), endings, seed=3), eigenlorax_alpha=2.0)
    )
    assert torch.equal(ask(model), one)
    shake(model, "other", seed=4)
    model.set_adapter("other")
    torch.testing.assert_close(ask(model), ask(dense(build, model, "other", 2.0)), atol=5e-5, rtol=1e-4)
    assert all(p.requires_grad == name.endswith("core.other") for name, p in model.named_parameters())
    model.base_model.set_adapter(["default", "other"])
    both = ask(model)
    merged = deepcopy(model).merge_and_unload()
    torch.testing.assert_close(ask(merged), both, atol=5e-5, rtol=1e-4)
    model.set_adapter("default")
    assert torch.equal(ask(model), one)
    model.delete_adapter("other")
    assert torch.equal(ask(model), one)
    assert "other" not in "".join(model.state_dict())


def test_strength_as_diffusers_sets_it() -> None:
    model = adapted(MODELS["clip"], eigenlorax_alpha=0.5)
    full = ask(model)
    for layer in layers(model):
        layer.set_scale("default", 2.0)
    torch.testing.assert_close(ask(model), ask(dense(clip, model, alpha=1.0)), atol=2e-5, rtol=1e-4)
    for layer in layers(model):
        layer.unscale_layer()
        layer.scale_layer(4.0)
        layer.unscale_layer(4.0)
    assert torch.equal(ask(model), full)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_half_precision_base_keeps_exact_columns(made: Made, dtype: torch.dtype, tmp_path: Path) -> None:
    build, endings = made
    half = build().to(dtype)
    columns = basis_for(half, endings)
    model = shake(get_peft_model(half, EigenLoRAxConfig(basis=columns)))
    assert ask(model).dtype is dtype
    for layer in layers(model):
        assert layer.eigenlorax_core["default"].dtype is torch.float32
        assert any(torch.equal(layer.eigenlorax_out["default"], value) for value in columns.values())
    model.save_pretrained(tmp_path)
    assert torch.equal(ask(PeftModel.from_pretrained(build().to(dtype), tmp_path)), ask(model))
    rounded = get_peft_model(build().to(dtype), EigenLoRAxConfig(basis=columns), autocast_adapter_dtype=False)
    assert all(layer.eigenlorax_core["default"].dtype is dtype for layer in layers(rounded))
    shake(rounded).save_pretrained(tmp_path / "rounded")
    again = PeftModel.from_pretrained(build().to(dtype), tmp_path / "rounded", autocast_adapter_dtype=False)
    assert torch.equal(ask(again), ask(rounded))


def test_dropout_acts_in_training_only() -> None:
    model = adapted(MODELS["llama"], eigenlorax_dropout=0.5)
    assert torch.equal(ask(model.eval()), ask(model))
    assert not torch.equal(ask(model.train()), ask(model))


def test_targets_in_the_way_of_peft() -> None:
    columns = basis_for(llama(), ("q_proj", "v_proj"))

    def count(**options: object) -> int:
        return len(layers(get_peft_model(llama(), EigenLoRAxConfig(basis=columns, **options))))

    assert count() == 4
    assert count(target_modules=["q_proj"]) == 2
    assert count(target_modules=r".*\.1\..*\.v_proj") == 1
    assert count(exclude_modules=["v_proj"]) == 2
    assert count(target_modules=["q_proj"], layers_to_transform=[1]) == 1
    everything = basis_for(llama(), ("_proj",))
    assert (
        len(layers(get_peft_model(llama(), EigenLoRAxConfig(basis=everything, target_modules="all-linear"))))
        == 14
    )
    model = get_peft_model(llama(), EigenLoRAxConfig(basis=columns, modules_to_save=["lm_head"], r=2))
    assert model.get_nb_trainable_parameters()[0] == 4 * 2 * 2 + 64 * 32


class Nested(nn.Module):
    """One name is the end of another."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Linear(4, 4)
        self.inner = nn.ModuleDict({"first": nn.Linear(4, 4)})

    def forward(self, x: Tensor) -> Tensor:
        return self.inner["first"](self.first(x))


def test_a_name_is_no_ending(tmp_path: Path) -> None:
    columns = {"first.out": torch.eye(4)[:, :2], "first.into": torch.eye(4)[:, :2]}
    model = shake(get_peft_model(Nested(), EigenLoRAxConfig(basis=columns)))
    assert len(layers(model)) == 1
    model.save_pretrained(tmp_path)
    again = PeftModel.from_pretrained(Nested(), tmp_path)
    assert torch.equal(again(torch.eye(4)), model(torch.eye(4)))
    with pytest.raises(AdapterError, match=r"no columns for inner\.first"):
        get_peft_model(Nested(), EigenLoRAxConfig(basis=columns, target_modules=["first"]))


def test_modules_saved_whole_come_back(tmp_path: Path) -> None:
    model = adapted(MODELS["llama"], modules_to_save=["lm_head"])
    model.save_pretrained(tmp_path)
    assert torch.equal(ask(PeftModel.from_pretrained(llama(), tmp_path)), ask(model))


def test_errors_say_what_to_do_and_leave_the_model_alone(tmp_path: Path) -> None:
    model = llama()
    columns = basis_for(model, ("q_proj",))
    for options, words in [
        ({}, "needs a basis"),
        ({"basis": columns, "target_modules": ["q_proj", "k_proj"]}, "no columns for model.layers.0.self_attn.k_proj"),
        ({"basis": basis_for(gpt2(), ("c_attn",))}, "no columns for any module of this LlamaForCausalLM"),
        ({"basis": basis_for(Convolved(), ("first",)) | {"lm_head.out": torch.ones(3)}}, "no matrix lm_head.out"),
        ({"basis": {"lm_head.out": torch.ones(64, 1)}}, "no matrix lm_head.into"),
        ({"basis": {"lm_head.up": torch.ones(64, 1)}}, "lm_head.up is no column"),
        ({"basis": {"lm_head.out": torch.ones(9, 1), "lm_head.into": torch.ones(32, 1)}}, "9 x 32, in this model it is 64 x 32"),
        ({"basis": 7}, "basis is a int"),
        ({"basis": columns, "layers_to_transform": 0}, "give both"),
    ]:  # fmt: skip
        with pytest.raises(AdapterError, match=words):
            get_peft_model(model, EigenLoRAxConfig(**options))
        assert not layers(model)
    for options, words in [
        ({"r": 0}, "at least one column"),
        ({"eigenlorax_dropout": 1.0}, "below 1"),
        ({"component": "vae"}, "choose unet, text_encoder, text_encoder_2"),
    ]:
        with pytest.raises(ValueError, match=words):
            EigenLoRAxConfig(basis=columns, **options)
    with pytest.raises(AdapterError, match="no EigenLoRAx adapter named default"):
        save_basis(model, tmp_path / "basis.safetensors")


def test_damage_is_found_before_it_is_loaded(tmp_path: Path) -> None:
    adapted(MODELS["llama"]).save_pretrained(tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    whole = load_file(path)
    key = next(name for name in whole if name.endswith("eigenlorax_out"))
    save_file({**whole, key: whole[key] + 1e-3}, path)
    with pytest.raises(AdapterError, match="do not match their hash"):
        PeftModel.from_pretrained(llama(), tmp_path)
    save_file({name: tensor for name, tensor in whole.items() if name != key}, path)
    with pytest.raises(AdapterError, match="do not match their hash"):
        PeftModel.from_pretrained(llama(), tmp_path)
    save_file({name: tensor for name, tensor in whole.items() if "core" in name}, path)
    with pytest.raises(AdapterError, match="brings columns for 0 of 4 modules"):
        PeftModel.from_pretrained(llama(), tmp_path)


def test_as_pefts_status_tells_it() -> None:
    status = adapted(MODELS["llama"]).get_model_status()
    assert status.adapter_model_type == "EigenLoRAxModel"
    assert status.peft_types == {"default": "EIGENLORAX"}
    assert (status.enabled, status.merged_adapters, status.num_adapter_layers) == (True, [], 4)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(1, 3),
    st.integers(1, 2),
    st.integers(0, 2),
    st.integers(0, 999),
)
def test_every_convolution_is_the_dense_one(
    k_out: int, k_in: int, kernel: int, stride: int, padding: int, seed: int
) -> None:
    torch.manual_seed(seed)
    bare = nn.Sequential(nn.Conv2d(2, 7, kernel, stride, padding))
    basis = {"0.out": torch.randn(7, k_out), "0.into": torch.randn(2 * kernel**2, k_in)}
    model = shake(get_peft_model(deepcopy(bare), EigenLoRAxConfig(basis=basis)), seed=seed)
    x: Tensor = torch.randn(2, 2, 8, 8)
    layer = layers(model)[0]
    core = layer.eigenlorax_core["default"].detach().double()
    delta = basis["0.out"].double() @ core @ basis["0.into"].double().mT
    bare[0].weight.data = (bare[0].weight.double() + delta.reshape(bare[0].weight.shape)).float()
    torch.testing.assert_close(model(x), bare(x), atol=2e-4, rtol=1e-4)
    torch.testing.assert_close(model.merge_and_unload()(x), bare(x), atol=2e-4, rtol=1e-4)
