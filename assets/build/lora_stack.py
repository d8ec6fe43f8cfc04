"""Many LoRAs trained at once: every target Linear carries a stack of low-rank pairs, one for each LoRA.

A batch is laid out LoRA after LoRA, so the frozen model runs once for all and two batched products add each LoRA's
own share. A pair that a LoRA does not have is zero on both sides and so stays zero.
"""

import math
from collections.abc import Sequence

import torch
from lora_specs import Spec
from torch import nn

Pairs = dict[tuple[str, str], tuple[torch.Tensor, torch.Tensor]]

_ATTENTION = (".to_q", ".to_k", ".to_v", ".to_out.0")
_FEED = (".ff.net.0.proj", ".ff.net.2")
_PROJECT = (".proj_in", ".proj_out")
_TEXT = (".q_proj", ".k_proj", ".v_proj", ".out_proj", ".fc1", ".fc2")


def has_module(spec: Spec, part: str, name: str) -> bool:
    """True when the LoRA adapts Linear `name` of `part` ("unet", "text_encoder", "text_encoder_2")."""
    if part != "unet":
        return spec.text and name.endswith(_TEXT)
    if spec.modules == "self-attention+ff" and ".attn2." in name:
        return False
    allowed = _ATTENTION
    if spec.modules != "attention":
        allowed += _FEED
    if spec.modules == "attention+ff+proj":
        allowed += _PROJECT
    return name.endswith(allowed)


class StackedLinear(nn.Module):
    """A frozen Linear with `down` [L, R, in] and `up` [L, out, R]; inputs are [L * n, ..., in]."""

    def __init__(self, base: nn.Linear, count: int, rank: int) -> None:
        super().__init__()
        self.base = base
        self.down = nn.Parameter(base.weight.new_zeros(count, rank, base.in_features))
        self.up = nn.Parameter(base.weight.new_zeros(count, base.out_features, rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Base output plus each LoRA's share on its own part of the batch."""
        out = self.base(x)
        parts = x.reshape(self.down.shape[0], -1, x.shape[-1])
        added = torch.bmm(torch.bmm(parts, self.down.transpose(1, 2)), self.up.transpose(1, 2))
        return out + added.view(out.shape)


class Stack:
    """The stacked pairs of all LoRAs over the UNet and both text encoders."""

    def __init__(self, parts: dict[str, nn.Module], specs: Sequence[Spec]) -> None:
        self.specs = list(specs)
        self.layers: dict[tuple[str, str], StackedLinear] = {}
        rank = max(spec.rank for spec in specs)
        for part, model in parts.items():
            model.requires_grad_(False)
            for name, module in list(model.named_modules()):
                if isinstance(module, nn.Linear) and any(has_module(spec, part, name) for spec in specs):
                    layer = StackedLinear(module, len(specs), rank)
                    parent, _, leaf = name.rpartition(".")
                    model.get_submodule(parent)._modules[leaf] = layer
                    self.layers[part, name] = layer
        self._initialise()

    def _initialise(self) -> None:
        """Kaiming-uniform down matrices as PEFT and kohya make them, from each LoRA's own seed; up zero."""
        for place, spec in enumerate(self.specs):
            chance = torch.Generator().manual_seed(spec.seed)
            for (part, name), layer in self.layers.items():
                if has_module(spec, part, name):
                    bound = 1.0 / math.sqrt(layer.base.in_features)
                    drawn = torch.rand(spec.rank, layer.base.in_features, generator=chance)
                    layer.down.data[place, : spec.rank] = ((drawn * 2 - 1) * bound).to(layer.down)

    def load(self, place: int, pairs: Pairs) -> None:
        """Go on from pairs as `pairs` gives them."""
        spec = self.specs[place]
        for key, (down, up) in pairs.items():
            layer = self.layers[key]
            layer.down.data[place, : spec.rank] = down.to(layer.down)
            layer.up.data[place, :, : spec.rank] = (up * spec.scale).to(layer.up)

    @property
    def weights(self) -> list[nn.Parameter]:
        """All stacked matrices."""
        return [weight for layer in self.layers.values() for weight in (layer.down, layer.up)]

    def pairs(self, place: int) -> Pairs:
        """LoRA `place`'s (down [r, in], up [out, r]) by module, up divided by alpha / rank, on the CPU, float32."""
        spec = self.specs[place]
        return {
            (part, name): (
                layer.down.data[place, : spec.rank].float().cpu().clone(),
                (layer.up.data[place, :, : spec.rank].float() / spec.scale).cpu().clone(),
            )
            for (part, name), layer in self.layers.items()
            if has_module(spec, part, name)
        }
