"""Small models of several libraries, built from configurations."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
)

from eigenlorax.peft_tuner.layers import layer_for, matrix_shape

IDS = torch.arange(2, 12)[None]


def llama() -> nn.Module:
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2,
        )
    ).eval()  # fmt: skip


def gpt2() -> nn.Module:
    torch.manual_seed(0)
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=64, n_positions=32, n_embd=24, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=1
        )
    ).eval()


def clip() -> nn.Module:
    torch.manual_seed(0)
    return CLIPTextModelWithProjection(
        CLIPTextConfig(
            vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
            projection_dim=16, bos_token_id=0, eos_token_id=1, pad_token_id=1,
        )
    ).eval()  # fmt: skip


class Convolved(nn.Module):
    """Every kind of convolution there is a layer for."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.second = nn.Conv2d(8, 6, 3, stride=2, padding=2, dilation=2)
        self.third = nn.Conv2d(6, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.third(self.second(self.first(x).tanh()).tanh())


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[str, ...]]] = {
    "llama": (llama, ("q_proj", "down_proj")),
    "gpt2": (gpt2, ("c_attn", "c_fc")),
    "clip": (clip, ("k_proj", "fc1")),
    "convolved": (Convolved, ("first", "second", "third")),
}


def ask_to_learn(model: nn.Module) -> Tensor:
    """The model's first output for a fixed input, with a gradient."""
    if any(isinstance(module, nn.Conv2d) for module in model.modules()):
        dtype = next(model.parameters()).dtype
        return model(torch.linspace(-1, 1, 3 * 9 * 9).reshape(1, 3, 9, 9).to(dtype))
    return model(input_ids=IDS)[0]


@torch.no_grad()
def ask(model: nn.Module) -> Tensor:
    """The same without: torch's attention rounds otherwise where a gradient is asked for."""
    return ask_to_learn(model)


def basis_for(
    model: nn.Module, endings: tuple[str, ...], k_out: int = 4, k_in: int = 3, seed: int = 0
) -> dict[str, Tensor]:
    """Orthonormal columns for every module whose name ends so."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for name, module in model.named_modules():
        if name.endswith(endings) and layer_for(module) is not None:
            rows, columns = matrix_shape(module)
            for side, (length, count) in {"out": (rows, k_out), "into": (columns, k_in)}.items():
                found[f"{name}.{side}"] = torch.linalg.qr(torch.randn(length, count, generator=generator))[0]
    return found


def shake(model: nn.Module, adapter: str = "default", seed: int = 1) -> nn.Module:
    """Give an adapter's cores random numbers."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(f"eigenlorax_core.{adapter}"):
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return model


@pytest.fixture(params=MODELS)
def made(request: pytest.FixtureRequest) -> tuple[Callable[[], nn.Module], tuple[str, ...]]:
    """How a model is built, and which of its modules are adapted."""
    return MODELS[request.param]
