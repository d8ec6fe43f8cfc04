"""Sizes that pictures are brought to: few, of the model's own area, with little cropped away."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from PIL import Image, ImageOps

_TOLERANCE = 0.1
_LONGEST = 2.5
#: A bucket of few pictures is given up where none of them loses more than this share of its area by it.
_LOSS = 0.15


class Bucket(NamedTuple):
    """Width and height in pixels that pictures are brought to."""

    width: int
    height: int


@dataclass(frozen=True)
class Framing:
    """How a picture is brought to a bucket's size: cut out, scaled, and mirrored if so said.

    Attributes:
        original: Width and height of the picture in pixels.
        box: Left, top, right and bottom of what is cut out, in pixels of the picture.
        bucket: The size that it is scaled to.
        mirrored: Left and right are swapped at the end.
    """

    original: tuple[int, int]
    box: tuple[float, float, float, float]
    bucket: Bucket
    mirrored: bool = False

    @property
    def scale(self) -> float:
        """Pixels of the result for one of the picture; above 1 the picture is enlarged."""
        return self.bucket.width / (self.box[2] - self.box[0])

    @property
    def kept(self) -> float:
        """Share of the picture's area that is seen, in (0, 1]."""
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top) / (self.original[0] * self.original[1])

    @property
    def conditioning(self) -> tuple[int, int, int, int, int, int]:
        """What SDXL is told of sizes: original height, width; crop's top, left; target height, width.

        The crop counts in pixels of the scaled picture, mirrored where the picture is.

        Source: arXiv:2307.01952, section 2.2; diffusers' order (`_get_add_time_ids`).
        """
        left, top, right, _ = self.box
        aside = self.original[0] - right if self.mirrored else left
        crop = round(top * self.scale), round(aside * self.scale)
        return (self.original[1], self.original[0], *crop, self.bucket.height, self.bucket.width)

    def turned(self) -> "Framing":
        """The same part of the picture as its mirror image."""
        return replace(self, mirrored=not self.mirrored)

    def cut(self, picture: Image.Image) -> Image.Image:
        """The picture (RGB, of the original size) at the bucket's size, scaled by Lanczos."""
        result = picture.resize(self.bucket, Image.Resampling.LANCZOS, box=self.box)
        return ImageOps.mirror(result) if self.mirrored else result


def multiple_for(side: int) -> int:
    """What widths and heights are multiples of: 64 pixels for SDXL, 8 for models of small pictures."""
    return 64 if side >= 512 else 8


def buckets_for(side: int) -> tuple[Bucket, ...]:
    """All sizes of about the area of a square of `side` pixels, narrowest first; none is larger than it.

    For each width the largest height whose area fits; left out where more than a tenth of the area would
    be missing, or one side would be more than 2.5 times the other. For 1024 these are SDXL's own sizes.

    Args:
        side: The model's native size, a multiple of 8.

    Source: arXiv:2307.01952, appendix I.
    """
    step, found = multiple_for(side), {Bucket(side, side)}
    for width in range(step, side, step):
        height = side * side // width // step * step
        if height <= _LONGEST * width and width * height >= (1 - _TOLERANCE) * side * side:
            found |= {Bucket(width, height), Bucket(height, width)}
    return tuple(sorted(found))


def framed(
    original: tuple[int, int],
    bucket: Bucket,
    zoom: float = 1.0,
    place: tuple[float, float] = (0.5, 0.5),
    mirrored: bool = False,
) -> Framing:
    """The largest part of a picture that has a bucket's shape, or a smaller one.

    Args:
        original: Width and height in pixels.
        bucket: Shape and size of the result.
        zoom: At least 1: how many times narrower than the largest part.
        place: Where the part lies, across and down: 0 at the left or top, 1 at the right or bottom.
        mirrored: Swap left and right.
    """
    width, height = original
    scale = zoom * max(bucket.width / width, bucket.height / height)
    across, down = min(bucket.width / scale, width), min(bucket.height / scale, height)
    left, top = (width - across) * place[0], (height - down) * place[1]
    box = left, top, min(left + across, width), min(top + down, height)
    return Framing(original, box, bucket, mirrored)


def assigned(sizes: Sequence[tuple[int, int]], side: int, rows: int) -> tuple[Bucket, ...]:
    """A bucket for each picture: the nearest in shape, of as few buckets as do little harm.

    Pictures are drawn in batches of one bucket, so a bucket of fewer than `rows` pictures is given up, the
    rarest first, where none of its pictures loses more than 15 % of its area more than in its nearest one.

    Args:
        sizes: Width and height of each picture in pixels.
        side: The model's native size.
        rows: Pictures in a batch.
    """
    every = buckets_for(side)
    best = [_nearest(size, every) for size in sizes]
    kept = sorted(set(best))
    chosen = best
    settled: set[Bucket] = set()
    while len(kept) > 1:
        counts = Counter(chosen)
        small = [bucket for bucket in kept if counts[bucket] < rows and bucket not in settled]
        if not small:
            break
        given_up = min(small, key=lambda bucket: (counts[bucket], bucket))
        fewer = [bucket for bucket in kept if bucket != given_up]
        moved = [_nearest(size, fewer) for size in sizes]
        if _worst_loss(sizes, best, moved) <= _LOSS:
            kept, chosen = fewer, moved
        else:
            settled.add(given_up)
    return tuple(chosen)


def _nearest(size: tuple[int, int], buckets: Sequence[Bucket]) -> Bucket:
    """The bucket that most of the picture is seen in."""
    return max(buckets, key=lambda bucket: (framed(size, bucket).kept, bucket))


def _worst_loss(sizes: Sequence[tuple[int, int]], best: Sequence[Bucket], other: Sequence[Bucket]) -> float:
    pairs = zip(sizes, best, other, strict=True)
    return max(framed(size, first).kept - framed(size, second).kept for size, first, second in pairs)
