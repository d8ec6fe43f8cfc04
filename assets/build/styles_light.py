"""Styles of light on dark: neon, blueprint, chalk, scratchboard, gold-foil, crt, thermal, frost."""

import numpy as np
from PIL import Image
from scipy import ndimage
from styles_common import (
    WORK,
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
    smooth_step,
    warp,
    wave,
)


def neon(image: Image.Image, rng: Rng) -> Image.Image:
    """Glowing tubes, magenta above to cyan below, on a near-black wall."""
    picture = read(image)
    line = outline(picture, level=0.16, grow=0.3)
    y, _ = grid()
    turn = rng.uniform(-0.03, 0.03)
    colour = ramp(y / WORK, [hsv(0.88 + turn, 0.95, 1), hsv(0.75 + turn, 0.75, 1), hsv(0.51 + turn, 0.95, 1)])
    glow = blur(line, 5) * 0.85 + blur(line, 14) * 0.9
    out = flat((0.035, 0.02, 0.09)) + colour * glow[..., None] * 0.9
    return finish(mix(out, np.float32(0.45) + colour * np.float32(0.6), line))


def blueprint(image: Image.Image, rng: Rng) -> Image.Image:
    """White drawing lines on blue squared paper."""
    picture = read(image)
    paper = flat(hsv(0.605 + rng.uniform(-0.01, 0.01), 0.82, 0.58))
    y, x = grid()
    rule = np.maximum((x % 32 < 2), (y % 32 < 2)).astype(np.float32)
    out = mix(paper, flat((0.55, 0.72, 0.95)), rule * np.float32(0.45))
    out = mix(out, flat((0.35, 0.55, 0.85)), picture.mask * np.float32(0.28))
    return finish(mix(out, flat((0.96, 0.98, 1.0)), outline(picture, level=0.11)))


def chalk(image: Image.Image, rng: Rng) -> Image.Image:
    """Coloured chalk rubbed on a green-black board with a white outline."""
    picture = read(image)
    board = flat((0.13, 0.22, 0.18)) + 0.025 * noise(rng, 14)[..., None]
    grain = smooth_step(wave(11, 35, 0, noise(rng, 10) * 3) + 0.35 * noise(rng, 2.2), 0.1, 0.9)
    colour = np.clip(picture.rgb * 0.7 + 0.3, 0, 1)
    fill = picture.mask * (0.25 + 0.6 * grain)
    out = mix(board, colour, fill.astype(np.float32))
    line = warp(outline(picture, level=0.13, grow=0.2), rng, 4, 1.2)
    worn = smooth_step(noise(rng, 2.5), -1.6, -0.4) * 0.4 + 0.6
    return finish(mix(out, flat((0.95, 0.95, 0.92)), line * worn))


def scratchboard(image: Image.Image, rng: Rng) -> Image.Image:
    """White strokes scratched out of black: the lighter, the wider."""
    picture = read(image)
    light = blur(picture.tone, 1.5) * picture.mask
    bend = noise(rng, 24) * 3
    first = smooth_step(wave(13, 55, 0, bend) - (1 - light * 0.92), -0.06, 0.10)
    second = smooth_step(wave(13, -50, 0, bend) - (1.45 - light * 0.85), -0.06, 0.10)
    rim = outline(picture, level=0.16) * 0.95
    line = np.maximum(np.maximum(first, second) * picture.mask, rim)
    return finish(mix(flat((0.05, 0.05, 0.06)), flat((0.95, 0.94, 0.9)), line.astype(np.float32)))


def gold_foil(image: Image.Image, rng: Rng) -> Image.Image:
    """Beaten gold with slanted glints on black velvet."""
    picture = read(image)
    y, x = grid()
    glint = np.sin((x + y) / 46 + rng.uniform(0, 6.28)) * 0.16 + noise(rng, 6) * 0.05
    tone = np.clip(picture.tone * 0.75 + 0.12 + glint, 0, 1).astype(np.float32)
    gold = ramp(tone, [(0.25, 0.13, 0.02), (0.66, 0.43, 0.08), (0.95, 0.75, 0.25), (1.0, 0.96, 0.72)])
    out = mix(flat((0.06, 0.05, 0.07)), gold, picture.mask)
    edge = outline(picture, level=0.2)
    return finish(mix(out, flat((0.42, 0.26, 0.04)), edge * picture.mask * np.float32(0.8)))


def crt(image: Image.Image, rng: Rng) -> Image.Image:
    """Green phosphor with scan lines every four pixels and a dark curved rim."""
    picture = read(image)
    light = (0.25 + 0.6 * (1 - picture.tone)) * picture.mask * 0.7 + outline(picture, level=0.14) * 0.75
    light = blur(np.clip(light, 0, 1).astype(np.float32), 1.6) + 0.35 * blur(light.astype(np.float32), 9)
    y, x = grid()
    scan = 0.35 + 0.65 * wave(8, 0)
    vignette = 1 - 0.55 * (((x - 128) / 128) ** 2 + ((y - 128) / 128) ** 2) / 2
    level = np.clip((light + 0.1) * scan * vignette * rng.uniform(0.95, 1.05), 0, 1).astype(np.float32)
    return finish(ramp(level, [(0.0, 0.05, 0.02), (0.05, 0.55, 0.15), (0.35, 1.0, 0.45), (0.85, 1.0, 0.85)]))


def thermal(image: Image.Image, rng: Rng) -> Image.Image:
    """A heat camera: blue-violet cold ground, orange and white-hot inside."""
    picture = read(image)
    depth = ndimage.distance_transform_edt(picture.mask > 0.5).astype(np.float32)
    body = smooth_step(depth, 0, 26) * 0.35
    heat = picture.mask * (0.26 + body * 0.8 + 0.34 * picture.tone)
    heat = blur(heat.astype(np.float32), 2.2) + 0.08 + 0.03 * noise(rng, 20)
    stops = [
        (0.05, 0.0, 0.25),
        (0.3, 0.0, 0.55),
        (0.8, 0.1, 0.4),
        (1.0, 0.5, 0.05),
        (1.0, 0.85, 0.2),
        (1, 1, 0.85),
    ]
    return finish(ramp(np.clip(heat, 0, 1).astype(np.float32), stops))


def frost(image: Image.Image, rng: Rng) -> Image.Image:
    """Carved ice: pale blue with white bevels on a deep blue night with soft snow."""
    picture = read(image)
    ice = ramp(picture.tone, [(0.25, 0.55, 0.85), (0.55, 0.82, 0.96), (0.88, 0.97, 1.0)])
    relief = contrast_edges(picture, 2.2)
    y, _ = grid()
    night = ramp(y / WORK, [(0.03, 0.08, 0.26), (0.10, 0.25, 0.50)])
    snow = np.zeros((WORK, WORK), dtype=np.float32)
    for _ in range(26):
        snow[rng.integers(6, 250), rng.integers(6, 250)] = 1
    flakes = smooth_step(blur(snow, 3.2) * 64, 0.25, 0.75)
    out = mix(night, flat((0.9, 0.96, 1.0)), flakes * np.float32(0.85))
    halo = blur(picture.mask, 7) * (1 - picture.mask)
    out = mix(out, flat((0.6, 0.85, 1.0)), halo * np.float32(0.8))
    out = mix(out, ice, picture.mask)
    return finish(mix(out, flat((1.0, 1.0, 1.0)), smooth_step(relief, 0.12, 0.45) * np.float32(0.9)))
