"""What was learnt as a style, with where it comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from PIL import Image

from eigenlorax import __version__
from eigenlorax.library.cover import cover_note
from eigenlorax.library.curves import Curves
from eigenlorax.library.provenance import PROVENANCE, LearntFrom, Provenance, Setting, note_of
from eigenlorax.lora import LoRALayer
from eigenlorax.subspace.fidelity import Fidelity
from eigenlorax.subspace.kept_cores import KeptCores, keep_core
from eigenlorax.subspace.kept_residuals import KeptResiduals, keep_residual
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.training.picture_set import PictureSet
from eigenlorax.training.teach import Taught

#: The topic of a style's notes that tells what it was taught with.
TEACHING = "teaching"


@dataclass(frozen=True)
class Lesson:
    """What a style was taught with.

    Attributes:
        name: Of the style.
        trigger: Its word.
        base: Name of the base model.
        subspace: Hash of the subspace whose styles were its donors, where it stays.
        pictures: Learnt from and held out.
        settings: Every one, by name.
    """

    name: str
    trigger: str
    base: str
    subspace: str
    pictures: PictureSet
    settings: Mapping[str, object]


def style_of(lesson: Lesson, wide: Subspace, result: Taught, images: Sequence[Image.Image]) -> Style:
    """The style in the columns that it learnt in; the last sample pictures become its cover.

    Args:
        lesson: What it was taught with.
        wide: The subspace that it learnt in.
        result: What it learnt, its curves whole.
        images: What it draws.
    """
    cores, residuals = {}, {}
    for path, update in result.updates.items():
        numbers = wide.bases[path].numbers
        cores[path] = keep_core(update.cores[0].cpu(), 0, numbers)
        if update.up.numel():
            residuals[path] = keep_residual(LoRALayer(update.up.cpu(), update.down.cpu()), numbers)
    notes = {TEACHING: _sentence(lesson.pictures, result), PROVENANCE: _note(lesson, result)}
    return Style(
        name=lesson.name,
        cores=KeptCores(cores),
        subspace=wide.hash,
        fidelity=Fidelity(1.0, "", 1.0, 0, 0),
        trigger_words=(lesson.trigger,),
        residuals=KeptResiduals(residuals),
        notes={**notes, **cover_note(images)},
    )


def told_as_kept(style: Style, error: float) -> Style:
    """The style with a word on what it is kept as, where it has private ranks.

    Args:
        style: As it is kept.
        error: On held-out pictures.
    """
    ranks = sum(residual.rank for residual in style.residuals.kept.values())
    if not ranks:
        return style
    told = f"{style.notes[TEACHING]}; kept with {ranks} private ranks, error {error:.4f}"
    return replace(style, notes={**style.notes, TEACHING: told})


def _sentence(pictures: PictureSet, result: Taught) -> str:
    learnt, held = len(pictures.learnt), len(pictures.held)
    gain = 1.0 - result.after / result.base
    return (
        f"{learnt} pictures, {held} held out; held-out error {result.base:.4f} without the style, "
        f"{result.before:.4f} at the start, {result.after:.4f} now ({gain:.1%} less)"
    )


def _note(lesson: Lesson, result: Taught) -> str:
    pictures = tuple(LearntFrom(p.sha256, p.caption, p.held_out) for p in lesson.pictures.pictures)
    settings = {name: _told(value) for name, value in lesson.settings.items()}
    errors = result.base, result.before, result.after
    return note_of(
        Provenance(
            __version__,
            lesson.subspace,
            lesson.base,
            pictures,
            len(pictures),
            settings,
            dict(result.start),
            result.numbers,
            errors,
            Curves(result.losses, result.held),
        )
    )


def settings_of(settings: object, **further: object) -> Mapping[str, object]:
    """The fields of a dataclass of settings, and others."""
    return {**asdict(settings), **further}  # type: ignore[call-overload]


def _told(value: object) -> Setting:
    return value if isinstance(value, (bool, int, float, str)) else str(value)
