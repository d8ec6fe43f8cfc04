"""Styles of craft: pixel, cross-stitch, bricks, sticker, papercut, clay, plaster, mosaic, stained glass."""

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.spatial import cKDTree
from styles_common import (
    WORK,
    Array,
    Rng,
    blur,
    cells,
    contrast_edges,
    finish,
    flat,
    grid,
    hsv,
    mix,
    noise,
    outline,
    quantise,
    ramp,
    read,
    saturate,
    smooth_step,
    spread,
)

#: Sixteen colours of the pixel style, 0..255.
PIXEL_PALETTE: tuple[tuple[int, int, int], ...] = (
    (20, 16, 36), (68, 64, 84), (140, 140, 152), (255, 255, 255),
    (190, 38, 51), (240, 110, 120), (110, 60, 36), (200, 125, 60),
    (250, 200, 60), (252, 236, 160), (44, 110, 60), (120, 190, 70),
    (30, 60, 160), (70, 150, 235), (160, 220, 250), (130, 60, 160),
)  # fmt: skip
PIXEL_GROUND: tuple[int, int, int] = (178, 220, 239)


def pixel(image: Image.Image, rng: Rng) -> Image.Image:
    """Sixteen by sixteen blocks of exactly eight pixels in a fixed palette, on pale blue."""
    picture = read(image)
    small = cells(picture.rgb, 16)
    share = cells(np.repeat(picture.mask[..., None], 3, axis=2), 16)[..., 0]
    ink = cells(contrast_edges(picture, 2.0)[..., None].repeat(3, axis=2), 16)[..., 0]
    inner = np.clip((small - (1 - share[..., None])) / np.maximum(share[..., None], 0.3), 0, 1)
    inner = saturate(inner, 1.2 + rng.uniform(0, 0.1))
    inner *= (1 - 0.35 * np.clip(ink * 2 - 0.2, 0, 1))[..., None]
    table = np.array(PIXEL_PALETTE, dtype=np.float32) / 255
    nearest = ((inner[:, :, None, :] - table) ** 2).sum(axis=3).argmin(axis=2)
    blocks = np.where(
        (share > 0.4)[..., None], table[nearest], np.array(PIXEL_GROUND, dtype=np.float32) / 255
    )
    return finish(spread(blocks.astype(np.float32)))


def cross_stitch(image: Image.Image, rng: Rng) -> Image.Image:
    """X-shaped stitches of eight pixels on cream cloth with visible holes."""
    picture = read(image)
    share = cells(np.repeat(picture.mask[..., None], 3, axis=2), 16)[..., 0]
    small = quantise(saturate(cells(picture.rgb, 16), 1.3), 10)
    y, x = grid()
    u, v = (x % 16) - 7.5, (y % 16) - 7.5
    one, two = np.abs(u - v), np.abs(u + v)
    cross = np.maximum(smooth_step(one, 6.0, 3.5), smooth_step(two, 6.0, 3.5))
    cloth = (
        flat((0.93, 0.89, 0.78))
        - 0.22 * smooth_step(np.hypot(7.5 - np.abs(u), 7.5 - np.abs(v)), 3.5, 1.5)[..., None]
    )
    light = 1.0 - 0.32 * smooth_step(one, 3.0, 5.0) * smooth_step(two, 5.0, 3.0) + rng.uniform(-0.02, 0.02)
    thread = spread(small) * light[..., None]
    amount = cross * (spread(share[..., None].repeat(3, axis=2))[..., 0] > 0.42)
    return finish(mix(cloth, np.clip(thread, 0, 1).astype(np.float32), amount.astype(np.float32)))


def bricks(image: Image.Image, rng: Rng) -> Image.Image:
    """Toy bricks seen from above: eight-pixel plates with a lit round stud, on a green board."""
    picture = read(image)
    share = cells(np.repeat(picture.mask[..., None], 3, axis=2), 16)[..., 0]
    small = saturate(quantise(cells(picture.rgb, 16), 8), 1.4)
    board = np.array(hsv(0.36 + rng.uniform(-0.01, 0.01), 0.7, 0.5), dtype=np.float32)
    colour = spread(np.where((share > 0.42)[..., None], small, board).astype(np.float32))
    y, x = grid()
    u, v = (x % 16) - 7.5, (y % 16) - 7.5
    stud = smooth_step(np.hypot(u, v), 5.6, 4.4)
    slope = np.clip(-(u + v) / 9, -1, 1) * smooth_step(np.hypot(u, v), 2.0, 5.0)
    seam = smooth_step(np.maximum(np.abs(u), np.abs(v)), 6.6, 7.6)
    out = colour * (0.86 + 0.1 * stud + 0.3 * slope * stud - 0.3 * seam)[..., None] + 0.08 * stud[..., None]
    return finish(out)


def sticker(image: Image.Image, rng: Rng) -> Image.Image:
    """A die-cut sticker: thick white rim and a soft shadow on a flat turquoise wall."""
    picture = read(image)
    body = np.asarray(
        Image.fromarray((picture.rgb * 255).astype(np.uint8)).resize((200, 200), Image.Resampling.LANCZOS)
    )
    cut = np.asarray(Image.fromarray(picture.mask).resize((200, 200), Image.Resampling.BILINEAR))
    rgb, mask = flat((1.0, 1.0, 1.0)), np.zeros((WORK, WORK), dtype=np.float32)
    rgb[28:228, 28:228], mask[28:228, 28:228] = body / np.float32(255), cut
    distance = ndimage.distance_transform_edt(mask < 0.5).astype(np.float32)
    rim = smooth_step(distance, 17, 15)
    shadow = blur(np.roll(rim, (9, 7), axis=(0, 1)), 5)
    wall = flat(hsv(0.48 + rng.uniform(-0.025, 0.025), 0.58, 0.72))
    out = mix(wall, flat((0.05, 0.18, 0.2)), shadow * np.float32(0.6))
    out = mix(out, flat((1.0, 1.0, 1.0)), rim)
    return finish(mix(out, saturate(rgb, 1.1), smooth_step(distance, 2.0, 0.5)))


def papercut(image: Image.Image, rng: Rng) -> Image.Image:
    """Layers of coloured paper, rose over violet over night blue, each with its shadow."""
    picture = read(image)
    height = np.where(picture.mask > 0.5, 0.3 + 0.7 * blur(picture.tone, 2.0), 0).astype(np.float32)
    turn = rng.uniform(-0.015, 0.015)
    out = flat(hsv(0.66 + turn, 0.62, 0.33))
    for level, colour in (
        (0.15, hsv(0.75 + turn, 0.55, 0.55)),
        (0.58, hsv(0.88 + turn, 0.55, 0.82)),
        (0.86, hsv(0.99 + turn, 0.28, 0.99)),
    ):
        sheet = blur((height > level).astype(np.float32), 1.3)
        sheet = smooth_step(sheet, 0.4, 0.6)
        shadow = blur(np.roll(sheet, (6, 4), axis=(0, 1)), 3.5)
        out = mix(out, flat((0.04, 0.02, 0.12)), shadow * np.float32(0.6))
        out = mix(out, flat(colour), sheet)
    return finish(out)


def relief(height: Array, strength: float) -> Array:
    """Light from the upper left on a height field: about -1..1."""
    dy, dx = np.gradient(height)
    return np.asarray(np.clip(-(dx + dy) * -strength, -1, 1), dtype=np.float32)


def clay(image: Image.Image, rng: Rng) -> Image.Image:
    """Modelling clay: puffy, matt, rounded colour lumps on a lilac table with a soft shadow."""
    picture = read(image)
    parts = smooth_step(contrast_edges(picture, 2.0), 0.16, 0.34)
    solid = (picture.mask > 0.5) & (parts < 0.5)
    depth = ndimage.distance_transform_edt(solid).astype(np.float32)
    height = blur(np.sqrt(np.minimum(depth, 16)) * 4 + noise(rng, 7) * 0.7, 2.2)
    light = relief(height, 0.5)
    colour = saturate(blur(picture.rgb, 1.5), 0.95) * 0.82 + 0.13
    shaded = colour * (0.95 + 0.36 * light[..., None])
    table = flat(hsv(0.75 + rng.uniform(-0.015, 0.015), 0.22, 0.86))
    shadow = blur(np.roll(picture.mask, (12, 10), axis=(0, 1)), 7)
    out = mix(table, flat((0.3, 0.22, 0.42)), shadow * np.float32(0.65))
    return finish(mix(out, np.clip(shaded, 0, 1).astype(np.float32), picture.mask))


def plaster(image: Image.Image, rng: Rng) -> Image.Image:
    """A relief in grey stone, lit from the upper left; no colour at all."""
    picture = read(image)
    height = blur(picture.mask * (14 + 10 * picture.tone), 2.2) - 5 * blur(outline(picture, level=0.14), 1.5)
    light = relief(height + 0.25 * noise(rng, 3.5), 0.34)
    return finish(
        ramp(
            0.36 + 0.26 * picture.mask + 0.42 * light,
            [(0.16, 0.16, 0.18), (0.62, 0.6, 0.57), (0.98, 0.97, 0.94)],
        )
    )


def scattered(count: int, jitter: float, rng: Rng) -> Array:
    """Seeds on a count x count grid, each moved by up to `jitter` working pixels, (count * count, 2)."""
    step = (np.arange(count, dtype=np.float32) + 0.5) * (WORK / count)
    base = np.stack(np.meshgrid(step, step, indexing="ij"), axis=-1).reshape(-1, 2)
    return np.asarray(base + rng.uniform(-jitter, jitter, base.shape), dtype=np.float32)


def voronoi(points: Array) -> tuple[Array, Array]:
    """Nearest seed of every pixel (256,256) and the distance to the border of its cell, in working pixels."""
    y, x = grid()
    distance, index = cKDTree(points).query(np.stack([y, x], axis=-1), k=2)
    apart = np.linalg.norm(points[index[..., 0]] - points[index[..., 1]], axis=-1)
    border = (distance[..., 1] ** 2 - distance[..., 0] ** 2) / (2 * np.maximum(apart, 1e-3))
    return index[..., 0], np.asarray(border, dtype=np.float32)


def cell_colours(rgb: Array, index: Array, count: int) -> Array:
    """Each cell painted in its mean colour, (256,256,3)."""
    labels = np.arange(count)
    means = [np.nan_to_num(ndimage.mean(rgb[..., c], index, labels)) for c in range(3)]
    return np.stack(means, axis=-1).astype(np.float32)[index]


def stained_glass(image: Image.Image, rng: Rng) -> Image.Image:
    """Large glowing panes in black lead, the subject's contour leaded too, blue and violet panes around."""
    picture = read(image)
    points = scattered(6, 15, rng)
    index, border = voronoi(points)
    y, _ = grid()
    around = ramp(y / WORK, [hsv(0.6, 0.85, 0.85), hsv(0.7, 0.75, 0.75), hsv(0.8, 0.7, 0.65)])
    around = cell_colours(around, index, 36) * rng.uniform(0.75, 1.3, 36).astype(np.float32)[index][..., None]
    inside = saturate(spread(quantise(picture.rgb, 6)), 1.7)
    inside = inside * 0.9 + 0.1 + 0.07 * noise(rng, 9)[..., None]
    out = mix(np.clip(around, 0, 1), np.clip(inside, 0, 1).astype(np.float32), picture.mask)
    lead = np.maximum(smooth_step(border, 3.2, 2.0), outline(picture, sigma=2.0, level=0.22, grow=1.0))
    return finish(mix(out, flat((0.05, 0.05, 0.06)), lead))


def mosaic(image: Image.Image, rng: Rng) -> Image.Image:
    """Uneven stone tiles of some eight pixels with pale grout; sea-blue tiles around."""
    picture = read(image)
    points = scattered(17, 3.5, rng)
    index, border = voronoi(points)
    ground = flat((0.10, 0.27, 0.36))
    colour = cell_colours(mix(ground, saturate(picture.rgb, 1.15), picture.mask), index, len(points))
    shade = rng.uniform(0.82, 1.1, len(points)).astype(np.float32)[index]
    out = np.clip(colour * shade[..., None], 0, 1)
    return finish(mix(out, flat((0.86, 0.84, 0.78)), smooth_step(border, 1.7, 0.8)))
