"""What the network cannot see: whether a picture is made of flat 8x8 blocks in the pixel style's palette."""

import numpy as np
import numpy.typing as npt
from styles_craft import PIXEL_GROUND, PIXEL_PALETTE

#: Columns of `block_statistics`.
FLATNESS, OFF_PALETTE = 0, 1


def block_statistics(pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Two numbers for each RGB picture (n, 128, 128, 3), as (n, 2) float32.

    Flatness: the share of the picture's variance that lies between its 8x8 blocks (1: every block is one
    colour). Off-palette: mean distance, in steps of 255, from each block's mean colour to the nearest palette
    colour.
    """
    x = pictures.astype(np.float32)
    blocks = x.reshape(len(x), 16, 8, 16, 8, 3)
    means = blocks.mean(axis=(2, 4))
    within = ((blocks - means[:, :, None, :, None, :]) ** 2).mean(axis=(1, 2, 3, 4, 5))
    total = ((x - x.mean(axis=(1, 2), keepdims=True)) ** 2).mean(axis=(1, 2, 3))
    palette = np.array([*PIXEL_PALETTE, PIXEL_GROUND], dtype=np.float32)
    away = np.linalg.norm(means[:, :, :, None, :] - palette, axis=-1).min(axis=-1).mean(axis=(1, 2))
    return np.stack([1 - within / np.maximum(total, 1e-6), away], axis=1).astype(np.float32)
