"""Frozen weights that lie on the card in 8 bits and are widened for each use, with gradients through them.

diffusers' `enable_layerwise_casting` casts a parameter in place before its module computes and back after it:
the gradient, which comes later, then finds 8 bits ("expected scalar type Float but found Float8_e4m3fn"). It
also casts without a scale, which takes weights of SDXL's size (0.02) to fp8's subnormals. Here a module sees
a widened copy of its own, which the gradient keeps; where activations are computed again, so is the copy.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

FP8 = torch.float8_e4m3fn
_LARGEST = torch.finfo(FP8).max
_BLOCKS = ("down_blocks.", "mid_block.", "up_blocks.")


class Narrowed:
    """The linear and convolution weights of a UNet's blocks, in 8 bits with one scale for each output.

    Args:
        unet: Its weights stay as they are until `kept` is given to them as data; nobody may write to them.
    """

    def __init__(self, unet: nn.Module) -> None:
        self._scales: dict[Tensor, Tensor | None] = {}
        self._handles: list[RemovableHandle] = []
        for name, module in unet.named_modules():
            if name.startswith(_BLOCKS) and isinstance(module, (nn.Linear, nn.Conv2d)):
                self._scales[module.weight] = None
                self._handles.append(module.register_forward_pre_hook(partial(self._widen, module.weight)))
                self._handles.append(module.register_forward_hook(_forget, always_call=True))

    def kept(self, weight: Tensor, data: Tensor) -> Tensor:
        """What is to lie on the card of a parameter's data: itself, where it is none of these weights.

        W is about scale * q, |error| <= |W| / 16 for an entry, or scale / 1024 where it is tiny.

        Source: e4m3 of arXiv:2209.05433, which has 3 bits of mantissa and reaches to 448.
        """
        if weight not in self._scales:
            return data
        largest = data.flatten(1).abs().amax(1).float().clamp(min=1e-12)
        scale = (largest / _LARGEST).view(-1, *[1] * (data.dim() - 1))
        scale = scale.to(data.dtype).clamp(min=torch.finfo(data.dtype).tiny)
        self._scales[weight] = scale
        return (data / scale).clamp(-_LARGEST, _LARGEST).to(FP8)

    def release(self) -> None:
        """Take every hook away; the parameters must have their own data again."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._scales.clear()

    @torch.no_grad()
    def _widen(self, weight: Tensor, module: nn.Module, *_: object) -> None:
        """An attribute of the instance is found before the parameter of that name."""
        scale = self._scales[weight]
        if scale is not None and weight.dtype is FP8:
            module.__dict__["weight"] = weight.data.to(scale.dtype) * scale


def _forget(module: nn.Module, *_: object) -> None:
    module.__dict__.pop("weight", None)
