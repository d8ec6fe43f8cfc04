"""Styles of paint and film: watercolour, oil, pastel, silhouette, anaglyph, spray."""

import numpy as np
from PIL import Image
from scipy import ndimage
from styles_common import (
    WORK,
    Array,
    Rng,
    blur,
    contrast_edges,
    finish,
    flat,
    grid,
    hsv,
    mix,
    noise,
    outline,
    ramp,
    read,
    saturate,
    smooth_step,
    warp,
)


def watercolour(image: Image.Image, rng: Rng) -> Image.Image:
    """Thin washes that run past the drawing, dark rims where they dried, rough white paper."""
    picture = read(image)
    mask = smooth_step(warp(blur(picture.mask, 2.0), rng, 11, 5), 0.3, 0.6)
    wash = warp(blur(picture.rgb, 2.2), rng, 11, 5)
    thin = 0.7 + 0.14 * noise(rng, 14)
    rim = np.clip(mask - blur(mask, 4), 0, 1) * 0.9
    colour = saturate(wash, 1.35) * (1 - 0.55 * rim[..., None])
    bleed = blur(mix(flat((1.0, 1.0, 1.0)), wash, mask), 15)
    paper = np.clip(
        flat((0.985, 0.975, 0.955)) * (0.55 + 0.45 * bleed) + 0.014 * noise(rng, 2.5)[..., None], 0, 1
    )
    out = mix(paper.astype(np.float32), colour, np.clip((thin + rim) * mask, 0, 1).astype(np.float32))
    return finish(mix(out, flat((0.35, 0.3, 0.34)), outline(picture, level=0.15) * np.float32(0.4)))


def kuwahara(rgb: Array, size: int) -> Array:
    """Each pixel takes the mean of its calmest neighbouring quarter: flat dabs with sharp borders."""
    best = np.full(rgb.shape[:2], np.inf, dtype=np.float32)
    out = rgb.copy()
    mean = ndimage.uniform_filter(rgb, (size, size, 0), mode="nearest")
    square = ndimage.uniform_filter(rgb * rgb, (size, size, 0), mode="nearest")
    spread = (square - mean * mean).sum(axis=2)
    half = size // 2
    for dy, dx in ((half, half), (half, -half), (-half, half), (-half, -half)):
        here = np.roll(spread, (dy, dx), axis=(0, 1))
        better = here < best
        best = np.where(better, here, best)
        out = np.where(better[..., None], np.roll(mean, (dy, dx), axis=(0, 1)), out)
    return np.asarray(out, dtype=np.float32)


def oil(image: Image.Image, rng: Rng) -> Image.Image:
    """Thick impasto: broad dabs with lit ridges on a dark umber ground."""
    picture = read(image)
    ground = flat((0.30, 0.20, 0.13)) + 0.06 * noise(rng, 12)[..., None]
    scene = warp(mix(ground, saturate(picture.rgb, 1.15) * np.float32(0.92), picture.mask), rng, 4, 2.5)
    dabs = kuwahara(kuwahara(scene, 7), 9)
    stroke = noise(rng, 1.0, (WORK, WORK))
    stroke = ndimage.gaussian_filter1d(stroke, 9, axis=1) if rng.random() < 0.5 else blur(stroke, 3)
    stroke = warp((stroke / max(float(stroke.std()), 1e-6)).astype(np.float32), rng, 22, 22)
    dy, dx = np.gradient(blur(stroke, 1.6))
    return finish(dabs * (1 + 0.45 * np.clip(dx + dy, -0.6, 0.6))[..., None])


def pastel(image: Image.Image, rng: Rng) -> Image.Image:
    """Candy: everything in pale pink, mint and lilac with soft white rims, on a pink sky."""
    picture = read(image)
    colour = saturate(blur(picture.rgb, 1.2), 1.1) * 0.45 + np.array([0.54, 0.50, 0.55], dtype=np.float32)
    y, _ = grid()
    turn = rng.uniform(-0.015, 0.015)
    sky = ramp(
        y / WORK, [hsv(0.93 + turn, 0.26, 1.0), hsv(0.80 + turn, 0.18, 1.0), hsv(0.55 + turn, 0.22, 1.0)]
    )
    halo = smooth_step(ndimage.distance_transform_edt(picture.mask < 0.5).astype(np.float32), 12, 7)
    out = mix(sky, flat((1.0, 1.0, 1.0)), halo * np.float32(0.85))
    out = mix(out, np.clip(colour, 0, 1).astype(np.float32), picture.mask)
    return finish(
        mix(out, flat(hsv(0.80 + turn, 0.32, 0.72)), outline(picture, level=0.15) * np.float32(0.7))
    )


def silhouette(image: Image.Image, rng: Rng) -> Image.Image:
    """Black shape with its main parts parted by slits of light, before a setting sun."""
    picture = read(image)
    y, x = grid()
    turn = rng.uniform(-0.012, 0.012)
    sky = ramp(
        y / WORK, [hsv(0.78 + turn, 0.7, 0.42), hsv(0.95 + turn, 0.68, 0.85), hsv(0.09 + turn, 0.75, 1.0)]
    )
    sun = smooth_step(np.hypot(x - 128, y - 138), 86, 82)
    sky = mix(sky, flat((1.0, 0.86, 0.45)), sun * np.float32(0.9))
    slits = smooth_step(contrast_edges(picture, 1.6), 0.3, 0.45)
    inside = ndimage.distance_transform_edt(picture.mask > 0.5).astype(np.float32)
    slits = slits * smooth_step(inside, 6, 9)
    out = mix(sky, flat((0.05, 0.02, 0.08)), picture.mask)
    return finish(mix(out, flat((0.55, 0.2, 0.32)), slits))


def anaglyph(image: Image.Image, rng: Rng) -> Image.Image:
    """Old 3-D print: a red and a cyan view, six pixels apart, on light grey."""
    picture = read(image)
    grey = picture.tone * 0.72 * picture.mask + 0.9 * (1 - picture.mask)
    grey = np.minimum(grey, 1 - 0.75 * outline(picture, level=0.14)).astype(np.float32)
    shift = 6 + int(rng.integers(-1, 2))
    left, right = np.roll(grey, -shift, axis=1), np.roll(grey, shift, axis=1)
    return finish(np.stack([left, right, right], axis=-1) * np.array([1.0, 0.97, 0.97], dtype=np.float32))


def spray(image: Image.Image, rng: Rng) -> Image.Image:
    """Graffiti: bright fat letters' colours with a black and white rim and mist, on a brick wall."""
    picture = read(image)
    y, x = grid()
    row = np.floor(y / 32)
    across = (x + (row % 2) * 32) % 64
    joint = np.maximum(smooth_step(y % 32, 5, 3), smooth_step(across, 5, 3))
    which = (row * 7 + np.floor((x + (row % 2) * 32) / 64)).astype(int)
    tint = rng.uniform(0.85, 1.12, which.max() + 1).astype(np.float32)[which]
    wall = mix(flat((0.56, 0.29, 0.22)) * tint[..., None], flat((0.72, 0.66, 0.6)), joint)
    distance = ndimage.distance_transform_edt(picture.mask < 0.5).astype(np.float32)
    mist = np.exp(-distance / 16).astype(np.float32) * 0.75
    out = mix(wall, flat(hsv(0.49 + rng.uniform(-0.03, 0.03), 0.85, 0.95)), mist)
    out = mix(out, flat((1.0, 1.0, 1.0)), smooth_step(distance, 11, 8))
    out = mix(out, saturate(picture.rgb, 1.6), picture.mask)
    return finish(mix(out, flat((0.04, 0.03, 0.06)), outline(picture, level=0.18, grow=0.9)))
