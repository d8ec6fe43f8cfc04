"""What the base knew of the subject is kept: it learns from its own pictures beside those of the user.

Source: the class-specific prior preservation of DreamBooth, arXiv:2208.12242, section 3.3.
"""

import re
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from eigenlorax.training.batches import batch_at
from eigenlorax.training.captions import Wording
from eigenlorax.training.predictor import Predictor
from eigenlorax.training.samples import drawn_latents, guided_texts
from eigenlorax.training.shown import Shown

_PLAIN = "a picture"
#: For each picture that is learnt from, within limits: enough that none of them is learnt by heart.
_FOR_EACH, _FEWEST, _MOST = 4, 8, 48
#: Their noise has nothing to do with any other seed of a teaching.
_APART = 7_000_003


@dataclass(frozen=True)
class ClassMaterial:
    """Pictures of the bare base, as `Material` that nothing is measured on.

    Attributes:
        latents: float32 on the CPU, scaled as the UNet sees them.
        words: What each was drawn for.
        side: Pixels of their sides.
    """

    latents: Float[Tensor, "pictures channels height width"]
    words: tuple[str, ...]
    side: int

    def batch(self, step: int, rows: int, seed: int) -> Shown:
        """As `Material`."""
        chosen = batch_at(step, rows, seed, [range(len(self.words))]).indices
        sizes = torch.tensor([[self.side, self.side, 0, 0, self.side, self.side]] * rows, dtype=torch.float32)
        return Shown(self.latents[list(chosen)], tuple(self.words[i] for i in chosen), sizes)

    def held_out(self) -> Sequence[Shown]:
        """As `Material`: none."""
        return ()

    def captions(self) -> Iterable[str]:
        """As `Material`."""
        return self.words


def class_captions(captions: Iterable[str], wording: Wording) -> tuple[str, ...]:
    """What the bare base is asked to draw: the subject, or the captions without the trigger; never empty.

    Args:
        captions: Of the pictures that are learnt from.
        wording: With the trigger and, if all show the same, the subject.
    """
    subject = " ".join(wording.subject.split())
    if subject:
        return (f"{_PLAIN} of {subject}",)
    trigger = " ".join(wording.trigger.split())
    found = []
    for caption in captions:
        parts = (re.sub(rf"(?<!\w){re.escape(trigger)}(?!\w)", " ", caption)).split(",")
        found.append(", ".join(part for part in (" ".join(part.split()) for part in parts) if part))
    return tuple(dict.fromkeys(caption or _PLAIN for caption in found)) or (_PLAIN,)


def class_words(captions: Sequence[str], pictures: int) -> tuple[str, ...]:
    """What each class picture shows, captions by turns.

    Args:
        captions: As `class_captions` gives them.
        pictures: How many the user gave to learn from.
    """
    count = min(max(_FOR_EACH * pictures, _FEWEST), _MOST)
    return tuple(captions[place % len(captions)] for place in range(count))


def class_latents(
    predictor: Predictor, words: Sequence[str], seed: int
) -> Generator[int, None, Float[Tensor, "pictures channels height width"]]:
    """Draw class pictures with the bare base, one by one; never decoded.

    Args:
        predictor: The base, injected.
        words: One caption for each picture.
        seed: Of their noise.

    Yields:
        How many are drawn.
    """
    nothing, found = torch.ones(1, 0), []
    texts = {caption: guided_texts(predictor, caption, {}, nothing) for caption in dict.fromkeys(words)}
    for place, caption in enumerate(words):
        latents = drawn_latents(predictor, texts[caption], seed + _APART + place, {}, nothing)
        found.append(latents.float().cpu())
        yield place + 1
    return torch.cat(found)
