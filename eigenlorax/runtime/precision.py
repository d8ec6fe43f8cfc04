"""Which number format each part is loaded in."""

from collections.abc import Mapping
from typing import Any

import torch

from eigenlorax.runtime.hardware import Hardware
from eigenlorax.runtime.options import LoadOptions, Precision

_DTYPES = {
    Precision.FP32: torch.float32,
    Precision.FP16: torch.float16,
    Precision.BF16: torch.bfloat16,
}
_LABELS = {dtype: precision.value for precision, dtype in _DTYPES.items()}


def weights_dtype(precision: Precision, hardware: Hardware) -> torch.dtype:
    """The format of UNet and text encoders: what was asked for, or what the hardware does best."""
    return hardware.dtype if precision is Precision.AUTO else _DTYPES[precision]


def vae_dtype(
    weights: torch.dtype, config: Mapping[str, Any], options: LoadOptions, name: str = ""
) -> torch.dtype:
    """The format of the VAE.

    SDXL's own VAE overflows in fp16 and gives black pictures, so it stays in fp32 unless it is the one that
    was tuned to stay within fp16's range. bf16 has fp32's range and cannot overflow.

    Args:
        weights: The format of the other parts.
        config: The VAE's configuration; `force_upcast` is false in the fp16-fixed one.
        options: `half_vae` false means fp32 in any case.
        name: Of the VAE's file, when it is its only witness: a single file brings no configuration.

    Source: the model card of madebyollin/sdxl-vae-fp16-fix.
    """
    if not options.half_vae:
        return torch.float32
    low = name.lower()
    fixed = not config.get("force_upcast", True) or ("fp16" in low and "fix" in low)
    return torch.float32 if weights is torch.float16 and not fixed else weights


def label(dtype: torch.dtype) -> str:
    """The format's name as users write it."""
    return _LABELS[dtype]
