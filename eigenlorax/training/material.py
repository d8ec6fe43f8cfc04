"""Prepared pictures as the material that a style is taught with."""

from collections.abc import Iterable, Sequence

from eigenlorax.training.batches import Batch
from eigenlorax.training.picture_set import PictureSet, Telling
from eigenlorax.training.shown import Shown


class PictureMaterial:
    """A picture set as `Material`.

    Args:
        pictures: Prepared for the base that learns.
        telling: What the base is told of sizes.
    """

    def __init__(self, pictures: PictureSet, telling: Telling = Telling.TRUE) -> None:
        self._pictures, self._telling = pictures, telling

    def batch(self, step: int, rows: int, seed: int) -> Shown:
        """As `Material`."""
        return self._shown(self._pictures.batch(step, rows, seed))

    def held_out(self) -> Sequence[Shown]:
        """As `Material`; one for each size."""
        groups = self._pictures.held_groups
        return [self._shown(Batch(tuple(group), (False,) * len(group))) for group in groups]

    def captions(self) -> Iterable[str]:
        """As `Material`."""
        return (picture.caption for picture in self._pictures.pictures)

    def _shown(self, batch: Batch) -> Shown:
        pictures = self._pictures
        sizes = pictures.time_ids(batch, self._telling)
        return Shown(pictures.latents(batch).float(), pictures.captions(batch), sizes)
