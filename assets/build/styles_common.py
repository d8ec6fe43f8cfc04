"""Shared tools of the image-made styles: foreground, tone, outlines, textures, all at twice the final size.

Arrays are float32 in 0..1, shape (256, 256) or (256, 256, 3); `finish` averages them down to 128x128.
"""

import colorsys
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

Array = npt.NDArray[Any]
Rng = np.random.Generator

SIZE = 128
WORK = 256


@dataclass(frozen=True)
class Picture:
    """A subject on white, taken apart: `rgb` (256,256,3), `mask` 1 inside, `tone` 0..1 light (1 outside)."""

    rgb: Array
    mask: Array
    tone: Array


def read(image: Image.Image) -> Picture:
    """Take a picture of a subject on a white ground apart; any size, resampled to 256x256."""
    big = image.convert("RGB").resize((WORK, WORK), Image.Resampling.BICUBIC)
    rgb = np.asarray(big, dtype=np.float32) / 255
    ground = rgb.min(axis=2) > 0.95
    padded = np.pad(ground, 1, constant_values=True)
    labels, _ = ndimage.label(padded)
    outside = (labels == labels[0, 0])[1:-1, 1:-1]
    mask = blur(ndimage.median_filter((~outside).astype(np.float32), 5), 1.2)
    luma = rgb @ np.array([0.3, 0.59, 0.11], dtype=np.float32)
    inside = luma[mask > 0.5]
    low, high = np.percentile(inside, (2, 98)) if inside.size else (0.0, 1.0)
    span = max(high - low, 0.35)
    stretched = np.clip((luma - high + span) / span, 0, 1)
    tone = (stretched * mask + (1 - mask)).astype(np.float32)
    return Picture(rgb, mask, tone)


def finish(rgb: Array) -> Image.Image:
    """Average (256,256,3) down to a 128x128 RGB picture."""
    small = np.clip(rgb, 0, 1).reshape(SIZE, 2, SIZE, 2, 3).mean(axis=(1, 3))
    return Image.fromarray(np.round(small * 255).astype(np.uint8))


def blur(array: Array, sigma: float) -> Array:
    """Gaussian blur over the two picture axes (edges repeated)."""
    sigmas = (sigma, sigma) + (0.0,) * (array.ndim - 2)
    return np.asarray(ndimage.gaussian_filter(array, sigmas, mode="nearest"), dtype=np.float32)


def smooth_step(array: Array, low: float, high: float) -> Array:
    """0 below `low`, 1 above `high`, a soft ramp between (reversed when low > high)."""
    t = np.clip((array - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def noise(rng: Rng, sigma: float, shape: tuple[int, int] = (WORK, WORK)) -> Array:
    """Smooth random field of unit deviation; `sigma` is its grain in working pixels."""
    field = blur(rng.standard_normal(shape).astype(np.float32), sigma)
    return np.asarray((field - field.mean()) / max(float(field.std()), 1e-6), dtype=np.float32)


def grid() -> tuple[Array, Array]:
    """Row and column coordinates, each (256,256), in working pixels."""
    y, x = np.mgrid[0:WORK, 0:WORK].astype(np.float32)
    return y, x


def wave(period: float, degrees: float, phase: float = 0.0, bend: Array | None = None) -> Array:
    """Parallel ridges 0..1 with the given period (working pixels) and direction; `bend` shifts them."""
    y, x = grid()
    angle = np.deg2rad(degrees)
    distance = x * np.sin(angle) + y * np.cos(angle)
    if bend is not None:
        distance = distance + bend
    return np.asarray(0.5 + 0.5 * np.cos(2 * np.pi * (distance / period + phase)), dtype=np.float32)


def edge_field(picture: Picture, sigma: float) -> tuple[Array, Array]:
    """Strength of colour and silhouette edges (1: strong) and the angle across them, each (256,256)."""
    layers = np.concatenate([picture.rgb, picture.mask[..., None]], axis=2)
    soft = blur(layers, sigma)
    dy = ndimage.sobel(soft, axis=0, mode="nearest")
    dx = ndimage.sobel(soft, axis=1, mode="nearest")
    xx, yy, xy = (dx * dx).sum(axis=2), (dy * dy).sum(axis=2), (dx * dy).sum(axis=2)
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    strength = np.sqrt((xx + yy) / 2) * sigma / 3.2
    return np.asarray(strength, dtype=np.float32), np.asarray(angle, dtype=np.float32)


def contrast_edges(picture: Picture, sigma: float = 1.6) -> Array:
    """Strength of colour edges and of the silhouette, (256,256), about 1 on strong edges."""
    return edge_field(picture, sigma)[0]


def outline(picture: Picture, sigma: float = 1.6, level: float = 0.13, grow: float = 0.0) -> Array:
    """Ink lines along edges, 0..1, some 2 to 3 final pixels wide; `grow` widens them (working pixels)."""
    thin = ridge(*edge_field(picture, sigma), level)
    distance = np.asarray(ndimage.distance_transform_edt(~thin), dtype=np.float32)
    return smooth_step(blur(smooth_step(distance, 2.9 + grow, 1.3 + grow), 1.2), 0.25, 0.75)


def ridge(strength: Array, angle: Array, level: float) -> npt.NDArray[np.bool_]:
    """Pixels stronger than `level` and than their neighbours across the edge, specks left out, (256,256)."""
    y, x = grid()
    crest = strength > level
    for step in (-1.3, 1.3):
        place = (y + step * np.sin(angle), x + step * np.cos(angle))
        crest &= strength >= ndimage.map_coordinates(strength, place, order=1, mode="nearest")
    labels, count = ndimage.label(crest, structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    return np.asarray(crest & (sizes[labels] >= 10))


def mix(below: Array, above: Array, amount: Array) -> Array:
    """Lay `above` over `below` with opacity `amount` (256,256)."""
    return np.asarray(below + (above - below) * amount[..., None], dtype=np.float32)


def flat(colour: tuple[float, float, float]) -> Array:
    """A (256,256,3) field of one colour."""
    return np.broadcast_to(np.array(colour, dtype=np.float32), (WORK, WORK, 3)).copy()


def hsv(hue: float, saturation: float, value: float) -> tuple[float, float, float]:
    """RGB of a colour; the hue wraps at 1."""
    return colorsys.hsv_to_rgb(hue % 1.0, min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0))


def ramp(tone: Array, stops: list[tuple[float, float, float]]) -> Array:
    """Map tone 0..1 through evenly spaced colours, (256,256,3)."""
    table = np.array(stops, dtype=np.float32)
    place = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(tone, place, table[:, c]) for c in range(3)], axis=-1).astype(np.float32)


def saturate(rgb: Array, amount: float) -> Array:
    """Push colours away from grey by a factor."""
    grey = rgb.mean(axis=2, keepdims=True)
    return np.asarray(np.clip(grey + (rgb - grey) * amount, 0, 1), dtype=np.float32)


def warp(array: Array, rng: Rng, sigma: float, strength: float) -> Array:
    """Shift pixels by a smooth random field: a wobbly hand."""
    y, x = grid()
    dy, dx = noise(rng, sigma) * strength, noise(rng, sigma) * strength
    layers = array if array.ndim == 3 else array[..., None]
    moved = [
        ndimage.map_coordinates(layers[..., c], (y + dy, x + dx), order=1, mode="nearest")
        for c in range(layers.shape[2])
    ]
    out = np.stack(moved, axis=-1).astype(np.float32)
    return out if array.ndim == 3 else out[..., 0]


def cells(rgb: Array, count: int) -> Array:
    """Mean colour of each square of a count x count grid, (count, count, 3)."""
    side = WORK // count
    return np.asarray(rgb.reshape(count, side, count, side, 3).mean(axis=(1, 3)), dtype=np.float32)


def spread(small: Array) -> Array:
    """Blow a coarse grid up to (256,256,3) in flat squares."""
    side = WORK // small.shape[0]
    return np.asarray(small.repeat(side, axis=0).repeat(side, axis=1), dtype=np.float32)


def quantise(rgb: Array, colours: int) -> Array:
    """Reduce an (h, w, 3) picture to at most `colours` colours by median cut."""
    image = Image.fromarray(np.round(np.clip(rgb, 0, 1) * 255).astype(np.uint8))
    few = image.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).convert("RGB")
    return np.asarray(few, dtype=np.float32) / 255
