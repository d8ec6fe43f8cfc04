"""Pictures ready to be learnt from: latents, captions, sizes, and which of them are only measured by."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from jaxtyping import Float
from torch import Tensor

from eigenlorax.errors import InvalidRequestError
from eigenlorax.training.batches import FEWEST_TO_SPLIT, Batch, batch_at, grouped, held_out
from eigenlorax.training.buckets import Bucket, Framing, assigned, framed
from eigenlorax.training.captions import Caption
from eigenlorax.training.latent_cache import LatentCache
from eigenlorax.training.pictures import Taken

#: How other crops of few pictures are made: nearer, at opposite corners, one of them mirrored.
_NEARER = 1.2
_OTHERS = (((0.0, 0.0), False), ((1.0, 1.0), True))
_MUCH_LOST = 0.7


class Telling(Enum):
    """What SDXL is told of sizes: the truth, or that every picture was made for its bucket."""

    TRUE = "true sizes"
    NATIVE = "native sizes"


@dataclass(frozen=True)
class Preparation:
    """How pictures are prepared.

    Attributes:
        side: The model's native size in pixels.
        rows: Pictures in a batch; decides how small a bucket may be.
        seed: Of the choice of what is held out.
        mirrors: Learn from mirror images too; wrong for faces, letters and anything with a side.
        dtype: Of the latents.
    """

    side: int
    rows: int = 1
    seed: int = 0
    mirrors: bool = False
    dtype: torch.dtype = torch.float32


@dataclass(frozen=True)
class Prepared:
    """So many of so many pictures are encoded."""

    done: int
    total: int


@dataclass(frozen=True)
class LearntPicture:
    """One picture, or one view of it, as the trainer sees it.

    Attributes:
        name: Of its file.
        sha256: Of its file.
        caption: Trigger included.
        latents: On the CPU, scaled as the UNet sees them.
        mirrored: Latents of the mirror image, where those are learnt from.
        conditioning: SDXL's six numbers of sizes, height first.
        bucket: Its size in pixels.
        held_out: Only measured by, never learnt from.
    """

    name: str
    sha256: str
    caption: str
    latents: Float[Tensor, "channels height width"]
    mirrored: Float[Tensor, "channels height width"] | None
    conditioning: tuple[int, int, int, int, int, int]
    bucket: Bucket
    held_out: bool


@dataclass(frozen=True)
class PictureSet:
    """All pictures of a style.

    Attributes:
        pictures: Learnt from and held out, in the order in which they were given.
        words: What the user should know of them.
        held_apart: Whether what is held out are pictures of their own, not other views of the others.
    """

    pictures: tuple[LearntPicture, ...]
    words: tuple[str, ...] = field(default=())
    held_apart: bool = True

    @cached_property
    def learnt(self) -> tuple[int, ...]:
        """Indices of what is learnt from."""
        return tuple(i for i, picture in enumerate(self.pictures) if not picture.held_out)

    @cached_property
    def held(self) -> tuple[int, ...]:
        """Indices of what is held out; never empty."""
        return tuple(i for i, picture in enumerate(self.pictures) if picture.held_out)

    @cached_property
    def groups(self) -> list[list[int]]:
        """Indices of what is learnt from, those of one bucket together."""
        return grouped({i: self.pictures[i].bucket for i in self.learnt})

    @cached_property
    def held_groups(self) -> list[list[int]]:
        """Indices of what is held out, those of one bucket together."""
        return grouped({i: self.pictures[i].bucket for i in self.held})

    def batch(self, step: int, rows: int, seed: int) -> Batch:
        """What a step learns from; the same for the same three numbers, whatever was drawn before.

        Args:
            step: From 0.
            rows: Pictures in it.
            seed: Of the order.

        Raises:
            InvalidRequestError: a number is out of its range.
        """
        mirrors = all(self.pictures[i].mirrored is not None for i in self.learnt)
        return batch_at(step, rows, seed, self.groups, mirrors=mirrors)

    def latents(self, batch: Batch) -> Float[Tensor, "rows channels height width"]:
        """The latents of a batch, on the CPU."""
        return torch.stack([self._seen(i, m) for i, m in zip(batch.indices, batch.mirrored, strict=True)])

    def captions(self, batch: Batch) -> tuple[str, ...]:
        """The captions of a batch."""
        return tuple(self.pictures[i].caption for i in batch.indices)

    def time_ids(self, batch: Batch, telling: Telling = Telling.TRUE) -> Float[Tensor, "rows six"]:
        """SDXL's size conditioning of a batch, float32."""
        return torch.tensor([self._told(i, telling) for i in batch.indices], dtype=torch.float32)

    def _seen(self, index: int, mirrored: bool) -> Tensor:
        picture = self.pictures[index]
        return picture.mirrored if mirrored and picture.mirrored is not None else picture.latents

    def _told(self, index: int, telling: Telling) -> tuple[int, ...]:
        picture = self.pictures[index]
        width, height = picture.bucket
        return picture.conditioning if telling is Telling.TRUE else (height, width, 0, 0, height, width)


@dataclass(frozen=True)
class _View:
    taken: Taken
    caption: str
    framing: Framing
    held_out: bool


def prepare(
    pictures: Sequence[Taken],
    captions: Sequence[Caption],
    vae: AutoencoderKL,
    preparation: Preparation,
    cache: Path | None = None,
) -> Generator[Prepared, None, PictureSet]:
    """Crop, encode and split pictures.

    Args:
        pictures: At least one.
        captions: One for each, in any order.
        vae: Where it is to compute.
        preparation: How.
        cache: Folder in which encoded pictures are kept; None keeps none.

    Yields:
        How far it is.

    Raises:
        InvalidRequestError: there is no picture, or one has no caption.
        InvalidFileError: a file was changed or removed since it was taken.
    """
    texts = {caption.file: caption.text for caption in captions}
    if not pictures:
        raise InvalidRequestError("there is no picture to learn from: choose 3 to 20 pictures")
    if missing := [taken.path.name for taken in pictures if taken.path not in texts]:
        raise InvalidRequestError(f"{', '.join(missing)} has no caption: write one, or leave the picture out")
    buckets = assigned([taken.size for taken in pictures], preparation.side, preparation.rows)
    held = held_out(len(pictures), preparation.seed)
    views = [
        _View(taken, texts[taken.path], framed(taken.size, bucket), place in held)
        for place, (taken, bucket) in enumerate(zip(pictures, buckets, strict=True))
    ]
    words = list(_told_of(views))
    if not held:
        views += [other for view in views for other in _other_views(view)]
        words.append(
            f"with fewer than {FEWEST_TO_SPLIT} pictures none is held out: other crops and mirror images of "
            "the same pictures are measured by, which shows learning by heart later than others would"
        )
    store, found = LatentCache(vae, cache, preparation.dtype), []
    for done, view in enumerate(views):
        yield Prepared(done, len(views))
        found.append(_encoded(view, store, mirrors=preparation.mirrors))
    yield Prepared(len(views), len(views))
    words += [store.trouble] if store.trouble else []
    return PictureSet(tuple(found), tuple(words), held_apart=bool(held))


def _encoded(view: _View, store: LatentCache, *, mirrors: bool) -> LearntPicture:
    """Mirror images keep the conditioning: what is learnt from is cropped in the middle."""
    both = mirrors and not view.held_out
    framing = view.framing
    return LearntPicture(
        view.taken.path.name, view.taken.sha256, view.caption, store.latents(view.taken, framing),
        store.latents(view.taken, framing.turned()) if both else None,
        framing.conditioning, framing.bucket, view.held_out,
    )  # fmt: skip


def _other_views(view: _View) -> Iterator[_View]:
    size, bucket = view.taken.size, view.framing.bucket
    for place, mirrored in _OTHERS:
        yield _View(view.taken, view.caption, framed(size, bucket, _NEARER, place, mirrored), held_out=True)


def _told_of(views: Sequence[_View]) -> Iterator[str]:
    for view in views:
        name, (width, height) = view.taken.path.name, view.taken.size
        yield from (f"{name}: {word}" for word in view.taken.words)
        if view.framing.scale > 1:
            yield f"{name} ({width} × {height}) is enlarged {view.framing.scale:.1f} times: it may teach blur"
        if view.framing.kept < _MUCH_LOST:
            yield f"{name} is cropped to the middle {view.framing.kept:.0%} of its {width} × {height} pixels"
