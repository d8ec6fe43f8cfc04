"""Styles of ink and print: engraving, halftone, riso, pencil, woodcut, comic, ink-wash, stamp, marker."""

import numpy as np
from PIL import Image
from styles_common import (
    WORK,
    Array,
    Rng,
    blur,
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
    warp,
    wave,
)


def engraving(image: Image.Image, rng: Rng) -> Image.Image:
    """Banknote engraving: curved lines that swell with the darkness, brown-black on cream."""
    picture = read(image)
    dark = blur((1 - picture.tone) * 0.8 + picture.mask * 0.16, 1.5)
    y, x = grid()
    bend = 10 * np.sin(x / 34 + rng.uniform(-0.3, 0.3)) + 0 * y
    lines = wave(12, 8, 0, bend.astype(np.float32))
    ink = smooth_step(lines - (1.02 - dark * 1.08), -0.09, 0.09) * picture.mask
    ink = np.maximum(ink, outline(picture, level=0.12))
    return finish(mix(flat((0.95, 0.91, 0.8)), flat((0.17, 0.11, 0.09)), ink))


def halftone(image: Image.Image, rng: Rng) -> Image.Image:
    """One deep blue ink in round dots of eight pixels, on yellow paper."""
    picture = read(image)
    dark = blur((1 - picture.tone) * 0.85 + picture.mask * 0.2, 2.5)
    dots = (wave(17, 45) + wave(17, -45)) / 2
    ink = smooth_step(dots - (1 - np.sqrt(np.clip(dark, 0, 1)) * 0.98), -0.07, 0.07)
    ink = np.where(dark < 0.03, 0, ink).astype(np.float32)
    paper = flat(hsv(0.14 + rng.uniform(-0.012, 0.012), 0.62, 0.99))
    return finish(mix(paper, flat((0.1, 0.1, 0.42)), ink))


def riso(image: Image.Image, rng: Rng) -> Image.Image:
    """Two spot inks, fluorescent pink and teal, slightly out of register on off-white paper."""
    picture = read(image)
    pink = (1 - picture.rgb[..., 1]) * 0.75 + picture.mask * 0.2
    teal = (1 - picture.rgb[..., 0]) * 0.95 + (1 - picture.tone) * 0.25
    screen = smooth_step(wave(12, 30) - (1.2 - 1.3 * np.clip(blur(teal, 1.5), 0, 1)), -0.15, 0.15)
    shift = 5 + int(rng.integers(0, 3))
    pink = np.roll(pink, (shift - 3, shift), axis=(0, 1))
    screen = np.roll(screen, (-2, -shift), axis=(0, 1))
    speck = smooth_step(noise(rng, 2.4), -2.4, -1.4)
    layers = np.ones((WORK, WORK, 3), dtype=np.float32) * np.array([0.97, 0.95, 0.9], dtype=np.float32)
    layers *= 1 - np.clip(pink, 0, 1)[..., None] * speck[..., None] * np.array(
        [0.0, 0.72, 0.42], dtype=np.float32
    )
    layers *= 1 - screen[..., None] * np.array([0.95, 0.38, 0.36], dtype=np.float32)
    return finish(layers)


def pencil(image: Image.Image, rng: Rng) -> Image.Image:
    """Graphite: soft grey outlines, slanted hatching, white paper."""
    picture = read(image)
    dark = blur((1 - picture.tone) * 0.7 + picture.mask * 0.12, 2)
    hatch = wave(10, 42, 0, noise(rng, 16) * 3) * 0.6 + 0.4
    shade = dark * hatch * 0.8
    line = warp(outline(picture, level=0.1), rng, 6, 1.4) * 0.75
    paper = flat((0.965, 0.96, 0.95))
    ink = np.clip(np.maximum(shade, line), 0, 1).astype(np.float32)
    return finish(mix(paper, flat((0.2, 0.2, 0.23)), ink))


def woodcut(image: Image.Image, rng: Rng) -> Image.Image:
    """Black and cream block print with a red ground cut by slanting gouges."""
    picture = read(image)
    bend = noise(rng, 22) * 5
    gouge = smooth_step(wave(22, -28, 0, bend) + 0.12 * noise(rng, 6), 0.86, 1.0)
    ground = mix(flat(hsv(0.015 + rng.uniform(-0.01, 0.01), 0.82, 0.74)), flat((0.95, 0.9, 0.78)), gouge)
    rough = picture.tone + 0.10 * (wave(13, 62, 0, bend) - 0.5) * 2 + 0.03 * noise(rng, 3)
    paper = smooth_step(blur(rough.astype(np.float32), 1.2), 0.44, 0.54)
    block = mix(flat((0.07, 0.05, 0.05)), flat((0.96, 0.91, 0.8)), paper)
    out = mix(ground, block, picture.mask)
    line = outline(picture, level=0.16, grow=1.2)
    return finish(mix(out, flat((0.07, 0.05, 0.05)), line))


def comic(image: Image.Image, rng: Rng) -> Image.Image:
    """Pop comic: flat loud colours, heavy black outline, a burst of rays behind."""
    picture = read(image)
    y, x = grid()
    angle = np.arctan2(y - 128, x - 128) + rng.uniform(0, 0.5)
    rays = smooth_step(np.sin(angle * 10), -0.08, 0.08)
    ground = mix(flat((1.0, 0.84, 0.1)), flat((0.98, 0.42, 0.13)), rays)
    colour = saturate(spread(quantise(picture.rgb, 7)), 1.35)
    out = mix(ground, colour, picture.mask)
    return finish(mix(out, flat((0.03, 0.02, 0.04)), outline(picture, level=0.16, grow=1.6)))


def ink_wash(image: Image.Image, rng: Rng) -> Image.Image:
    """Sumi-e: wet black ink that bleeds on rice paper, and a red seal."""
    picture = read(image)
    wet = warp((1 - picture.tone) * 0.6 + picture.mask * 0.22, rng, 9, 5)
    pool = blur(wet, 4) * 0.85 + 0.12 * noise(rng, 12) * picture.mask
    brush = warp(outline(picture, sigma=2.4, level=0.15, grow=1.0), rng, 12, 3.5)
    dry = smooth_step(noise(rng, 5), -1.4, 0.2) * 0.5 + 0.5
    ink = np.clip(np.maximum(pool, blur(brush, 1.4) * dry * 0.95), 0, 0.95).astype(np.float32)
    paper = flat((0.94, 0.91, 0.84)) + 0.012 * noise(rng, 8)[..., None]
    out = mix(paper, flat((0.08, 0.08, 0.1)), ink)
    out[212:242, 212:242] = (0.76, 0.13, 0.1)
    out[219:223, 218:236] = (0.94, 0.85, 0.78)
    out[229:233, 218:236] = (0.94, 0.85, 0.78)
    return finish(out)


def stamp(image: Image.Image, rng: Rng) -> Image.Image:
    """Rubber stamp: one violet ink in a round ring, worn patches, kraft paper."""
    picture = read(image)
    tone = np.ones((WORK, WORK), dtype=np.float32)
    line = np.zeros((WORK, WORK), dtype=np.float32)
    small, lines = shrink(picture.tone, 1.0), shrink(outline(picture, level=0.14, grow=0.8), 0.0)
    tone[:], line[:] = small, lines
    y, x = grid()
    radius = np.hypot(x - 128, y - 128)
    ring = smooth_step(np.abs(radius - 116), 6.5, 4.5) + smooth_step(np.abs(radius - 103), 3.2, 1.8)
    body = smooth_step(tone, 0.62, 0.52) * 0.9
    ink = np.clip(np.maximum(np.maximum(body, line), ring), 0, 1)
    worn = smooth_step(noise(rng, 4.5), -1.9, -0.9)
    paper = flat((0.83, 0.71, 0.54)) + 0.015 * noise(rng, 5)[..., None]
    violet = flat(hsv(0.72 + rng.uniform(-0.015, 0.015), 0.75, 0.48))
    return finish(mix(paper, violet, (ink * worn * 0.93).astype(np.float32)))


def shrink(layer: Array, outside: float) -> Array:
    """The layer at 0.68 of its size in the middle of the field, `outside` around it."""
    side = 174
    image = Image.fromarray(layer).resize((side, side), Image.Resampling.BICUBIC)
    out = np.full((WORK, WORK), outside, dtype=np.float32)
    start = (WORK - side) // 2
    out[start : start + side, start : start + side] = np.asarray(image)
    return out


def marker(image: Image.Image, rng: Rng) -> Image.Image:
    """Felt pens: bright streaky strokes that overshoot, and a thick dark blue contour."""
    picture = read(image)
    streak = wave(15, 58, 0, noise(rng, 30) * 4)
    offset = np.roll(warp(picture.mask, rng, 10, 4), (5, -5), axis=(0, 1))
    colour = np.roll(saturate(blur(picture.rgb, 2.5), 1.7), (5, -5), axis=(0, 1))
    colour = colour * (0.78 + 0.3 * streak[..., None])
    out = mix(flat((1.0, 1.0, 1.0)), np.clip(colour, 0, 1), offset * np.float32(0.9))
    line = warp(outline(picture, sigma=2.2, level=0.16, grow=2.0), rng, 14, 3.0)
    return finish(mix(out, flat((0.1, 0.12, 0.4)), line))


def sepia_photo(image: Image.Image, rng: Rng) -> Image.Image:
    """An old print: brown tones, dark corners, a cream border with a deckled edge."""
    picture = read(image)
    y, x = grid()
    backdrop = 0.86 - 0.45 * (np.hypot(x - 128, y - 128) / 180) ** 2 + 0.035 * noise(rng, 10)
    tone = (picture.tone * 0.72 + 0.02) * picture.mask + backdrop * (1 - picture.mask)
    tone = blur(tone.astype(np.float32), 1.4) + 0.035 * noise(rng, 4)
    brown = ramp(
        np.clip(tone, 0, 1), [(0.12, 0.06, 0.03), (0.48, 0.31, 0.17), (0.82, 0.66, 0.44), (0.97, 0.9, 0.74)]
    )
    inset = np.minimum(np.minimum(x, WORK - 1 - x), np.minimum(y, WORK - 1 - y))
    border = smooth_step(inset + 0.8 * np.sin((x + y) / 3.8), 17, 15)
    return finish(mix(brown, flat((0.96, 0.92, 0.82)), border))
