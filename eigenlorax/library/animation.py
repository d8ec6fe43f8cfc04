"""Pictures as one that moves."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from eigenlorax.library.atomic import told, written_aside

FRAME_MS, REST_MS = 140, 700


def keep_animation(images: Sequence[Image.Image], beside: Path) -> Path:
    """Write an endless WebP that goes through the pictures and back, and rests at both ends.

    Args:
        images: RGB, at least two.
        beside: The first picture's file; the animation takes its name, with another ending.

    Raises:
        NotWrittenError: the disk refuses it.
    """
    path = beside.with_suffix(".webp")
    frames = [*images, *reversed(images[1:-1])]
    durations = [FRAME_MS] * len(frames)
    durations[0] = durations[len(images) - 1] = REST_MS
    with told(path), written_aside(path) as aside:
        frames[0].save(aside, save_all=True, append_images=frames[1:], duration=durations, loop=0, quality=90)
    return path
