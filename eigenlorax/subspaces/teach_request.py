"""What can be taught, and what comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from eigenlorax.errors import InvalidRequestError, refuse_outside
from eigenlorax.subspace.style import Style
from eigenlorax.training.captions import Caption, Wording
from eigenlorax.training.pictures import LeftOut
from eigenlorax.training.samples import MOST_SAMPLES
from eigenlorax.training.teach import Taught
from eigenlorax.training.teach_settings import TeachSettings


@dataclass(frozen=True)
class TeachRequest:
    """What to teach.

    Attributes:
        name: Of the new style; none of the subspace's has it.
        sources: Picture files, or folders of them.
        wording: The trigger word, and how captions are made.
        settings: How long and how fast.
        columns: That every module which learns has at least, on each side, while it learns.
        mirrors: Learn from mirror images too.
        captions: In place of those that would be made; empty to make them.
        samples: Prompts of the pictures that are drawn now and then; empty for some of the captions.
        sample_every: Steps between them at least, drawn where the style is measured; 0 draws none, and the
            style gets no cover.
    """

    name: str
    sources: Sequence[Path]
    wording: Wording
    settings: TeachSettings = field(default_factory=TeachSettings)
    columns: int = 16
    mirrors: bool = False
    captions: tuple[Caption, ...] = ()
    samples: tuple[str, ...] = ()
    sample_every: int = 50

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            InvalidRequestError: there is no name, or a number is out of its range; says which.
        """
        self.settings.check_ranges()
        if not self.name.strip():
            raise InvalidRequestError("the style has no name: give it one")
        refuse_outside({
            "columns": (self.columns, 1, 1024), "sample_every": (self.sample_every, 0, 100_000),
            "number of sample prompts": (len(self.samples), 0, MOST_SAMPLES),
        })  # fmt: skip


@dataclass(frozen=True)
class TaughtStyle:
    """What came of it.

    Attributes:
        style: As it is in the subspace now.
        taught: Its learning curve.
        kept_error: On held-out pictures, of the style as it is kept.
        pictures: How many were learnt from, and how many held out.
        words: What the user should know of the pictures.
        left_out: Files that were not used, with reasons.
    """

    style: Style
    taught: Taught
    kept_error: float
    pictures: tuple[int, int]
    words: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
