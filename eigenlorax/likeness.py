"""How far two pictures are from each other."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from PIL import Image
from torch import Tensor

from eigenlorax.errors import InvalidRequestError

_WINDOW, _SIGMA = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2
#: Root mean square distance below which a LoRA has not changed a picture: half a step of 8 bits.
_SAME = 0.5 / 255


@dataclass(frozen=True)
class Distance:
    """Two figures for one pair of pictures.

    Attributes:
        rms: Root mean square difference over all pixels and channels, in [0, 1]; 0 for equal pictures.
        ssim: Structural similarity of the grey pictures, at most 1; 1 for equal pictures.
    """

    rms: float
    ssim: float


@dataclass(frozen=True)
class StyleLikeness:
    """How far a style's pictures are from its LoRA's, beside how far pictures without any style are.

    Attributes:
        rms: Mean over the pictures of the root mean square distance between style and original LoRA.
        base_rms: The same between base model and original LoRA.
        ssim: Mean structural similarity of style and original LoRA.
        base_ssim: The same of base model and original LoRA.
        prompts: What was drawn, trigger words left out; each with every seed.
        seeds: With which noise.
        steps: Denoising steps.
    """

    rms: float
    base_rms: float
    ssim: float
    base_ssim: float
    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    steps: int

    @property
    def relative(self) -> float | None:
        """rms / base_rms: 0 is the LoRA's picture, 1 as far as no style; None where a LoRA shows nothing."""
        return self.rms / self.base_rms if self.base_rms > _SAME else None

    @property
    def relative_structure(self) -> float | None:
        """(1 - ssim) / (1 - base_ssim): the same for structure."""
        return (1.0 - self.ssim) / (1.0 - self.base_ssim) if self.base_rms > _SAME else None

    @property
    def told(self) -> dict[str, Any]:
        """Every figure and what follows from them, for JSON."""
        shares = {"relative": self.relative, "relative_structure": self.relative_structure}
        return {**asdict(self), **shares}


def distance(one: Image.Image, other: Image.Image) -> Distance:
    """Compare two pictures of one size.

    Raises:
        InvalidRequestError: their sizes differ, or a side is shorter than SSIM's window of 11 pixels.
    """
    if one.size != other.size or min(one.size) < _WINDOW:
        raise InvalidRequestError(
            f"pictures of {one.size} and {other.size} pixels cannot be compared: draw both at one size"
        )
    colours = [_pixels(picture.convert("RGB")) for picture in (one, other)]
    rms = float((colours[0] - colours[1]).square().mean().sqrt())
    greys = [_pixels(picture.convert("L")) for picture in (one, other)]
    return Distance(rms, ssim(greys[0], greys[1]))


def ssim(one: Float64[Tensor, "height width"], other: Float64[Tensor, "height width"]) -> float:
    """Mean structural similarity of two grey pictures with values in [0, 1].

    Local means, variances and covariance under an 11 x 11 Gaussian window of sigma 1.5, whole windows only,
    with K1 = 0.01 and K2 = 0.03.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural
    similarity" (2004), equation 13.
    """
    mean_a, mean_b = _blurred(one), _blurred(other)
    var_a = _blurred(one.square()) - mean_a.square()
    var_b = _blurred(other.square()) - mean_b.square()
    shared = _blurred(one * other) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + _C1) * (2 * shared + _C2)
    return float((likeness / ((mean_a.square() + mean_b.square() + _C1) * (var_a + var_b + _C2))).mean())


def _pixels(picture: Image.Image) -> Tensor:
    return torch.from_numpy(np.asarray(picture, dtype=np.float64) / 255.0)


def _blurred(values: Tensor) -> Tensor:
    at = torch.arange(_WINDOW, dtype=torch.float64) - _WINDOW // 2
    window = torch.exp(-at.square() / (2 * _SIGMA**2))
    window = window / window.sum()
    rows = torch.nn.functional.conv2d(values[None, None], window[None, None, :, None])
    return torch.nn.functional.conv2d(rows, window[None, None, None, :])[0, 0]
