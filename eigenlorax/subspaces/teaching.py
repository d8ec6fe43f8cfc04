"""A new style of the open subspace, taught from a few pictures: the donors are the styles that are there."""

import hashlib
import shutil
from collections.abc import Generator, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path

import torch

from eigenlorax.errors import CardFullError, InvalidRequestError, refuse_outside
from eigenlorax.runtime.graph import CudaRecorder
from eigenlorax.runtime.hardware import release_cache
from eigenlorax.runtime.learning import LearningNeeds, learning
from eigenlorax.runtime.live import LiveInjection
from eigenlorax.runtime.options import Mode, Placement
from eigenlorax.runtime.plan import Plan
from eigenlorax.subspace.augment import padded
from eigenlorax.subspace.fit import FitProgress
from eigenlorax.subspace.merge import Part
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.subspaces.bench import Bench
from eigenlorax.subspaces.learning_log import LearningLog, told_on
from eigenlorax.subspaces.learning_room import donors_in, learning_bytes, learning_subspace
from eigenlorax.subspaces.taught_style import TEACHING, Lesson, settings_of, style_of
from eigenlorax.training.captions import Caption, Wording, captions_of
from eigenlorax.training.crew import ALONE, Crew
from eigenlorax.training.material import PictureMaterial
from eigenlorax.training.picture_set import PictureSet, Preparation, Prepared, Telling, prepare
from eigenlorax.training.pictures import LeftOut, Taken, survey
from eigenlorax.training.predictor import SMALL_SIDE, Predictor
from eigenlorax.training.preservation import ClassMaterial, class_captions, class_latents, class_words
from eigenlorax.training.samples import MOST_SAMPLES, Sampled, Sampler, usual_prompts
from eigenlorax.training.teach import Taught, TeachingStep, teach
from eigenlorax.training.teach_settings import TeachSettings

__all__ = ["TEACHING", "Making", "Sampled", "TaughtStyle", "TeachRequest", "taught"]

Making = Prepared | FitProgress | TeachingStep | Sampled
"""What teaching tells of while it goes on."""


@dataclass(frozen=True)
class TeachRequest:
    """What to teach.

    Attributes:
        name: Of the new style; none of the subspace's has it.
        sources: Picture files, or folders of them.
        wording: The trigger word, and how captions are made.
        settings: How long and how fast.
        columns: Shared columns that every module that learns has at least, on each side.
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
        pictures: How many were learnt from, and how many held out.
        words: What the user should know of the pictures.
        left_out: Files that were not used, with reasons.
    """

    style: Style
    taught: Taught
    pictures: tuple[int, int]
    words: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


def taught(bench: Bench, request: TeachRequest, crew: Crew = ALONE) -> Generator[Making, None, TaughtStyle]:
    """Teach a style and open the version that has it.

    Styles that are there stay as they are; where modules have too few columns to learn in, the leading
    directions of the collection that the columns lack are put behind them, once for all taught styles. Holds
    the studio's lock. Closing the generator keeps the open version; what was learnt lies in the cache, and
    the same request goes on from there.

    Args:
        bench: The open studio.
        request: What to teach.
        crew: Processes that teach it together; only the first one keeps files and opens the new version.

    Yields:
        Progress, and pictures of the style as it is.

    Raises:
        InvalidRequestError: there is no subspace, the name is taken or empty, no picture can be used, or a
            setting is out of range.
        CardFullError: the card's memory does not suffice, whichever way the model is placed.
        NotWrittenError: the disk refused; the open version stays.
    """
    request.check()
    with bench.lock:
        part, engine = bench.open_now(), bench.engine
        if request.name in part.styles:
            raise InvalidRequestError(f"there is a style named {request.name} already: choose another name")
        engine.wear_nothing()
        taken, left_out = _surveyed(request)
        captions = request.captions or captions_of(taken, request.wording)
        settings = request.settings
        preparation = Preparation(engine.base.native_size, settings.rows, settings.seed, request.mirrors)
        cache = bench.library.root / "cache" / "latents"
        pictures = yield from prepare(taken, captions, engine.base.pipeline.vae, preparation, cache)
        wide = yield from learning_subspace(part, request.columns, settings.seed, texts=settings.texts)
        crew.same("subspace to learn in", wide.hash)
        place = _place(bench, wide, request, pictures)
        result, last = yield from _Teaching(bench, request, part, wide, pictures, place, crew).run()
        told = settings_of(settings, columns=request.columns, mirrors=request.mirrors)
        lesson = Lesson(request.name, request.wording.trigger, engine.base.name, pictures, told)
        style = style_of(lesson, wide, result, last.images if last is not None else ())
        if crew.first:
            styles = {name: padded(one, part.subspace, wide) for name, one in part.styles.items()}
            bench.swap(wide, {**styles, request.name: style})
            shutil.rmtree(place, ignore_errors=True)
            style = bench.current.styles[request.name]
        counts = len(pictures.learnt), len(pictures.held)
        return TaughtStyle(style, result, counts, pictures.words, left_out)


Learnt = tuple[Taught, Sampled | None]


@dataclass(frozen=True)
class _Teaching:
    """One style's, once its pictures and columns are there.

    Attributes:
        place: Folder of what it has reached.
    """

    bench: Bench
    request: TeachRequest
    part: Part
    wide: Subspace
    pictures: PictureSet
    place: Path
    crew: Crew

    def run(self) -> Generator[Making, None, Learnt]:
        """The fastest way that the card's memory allows; a leaner one goes on where that broke off."""
        base, settings = self.bench.engine.base, self.request.settings
        width = base.pipeline.unet.dtype.itemsize
        beside = learning_bytes(self.wide, len(self.part.styles), width, texts=settings.texts)
        rows = len(range(settings.rows)[self.crew.share(settings.rows)])
        needs = LearningNeeds(base.native_size, rows, beside + self.bench.engine.nbytes, texts=settings.texts)
        *faster, leanest = base.learning_plans(needs)
        for plan in faster:
            try:
                return (yield from self._with(plan))
            except torch.OutOfMemoryError:
                pass  # its frames hold what fills the card: they must be gone before the next try
            release_cache(base.device)
        try:
            return (yield from self._with(leanest))
        except torch.OutOfMemoryError as error:
            advice = "fewer pictures a step" + (", without the text encoders" if settings.texts else "")
            raise CardFullError(
                f"the card's memory does not suffice to learn ({leanest.sentence}): ask for {advice}, or "
                "close other programs on the card"
            ) from error

    def _with(self, plan: Plan) -> Generator[Making, None, Learnt]:
        base, request, settings = self.bench.engine.base, self.request, self.request.settings
        if plan.placement is not Placement.CPU:
            self.bench.engine.settle(Mode.LIVE, recorded=False)  # recordings and second copies of weights go
        with learning(base.placed, plan), LiveInjection(base.modules) as live:
            predictor = Predictor(base.pipeline, live, base.native_size)
            # A base as small as the demo's has only ever been told of whole pictures of its own size.
            telling = Telling.NATIVE if predictor.side <= SMALL_SIDE else Telling.TRUE
            material = PictureMaterial(self.pictures, telling)
            log = LearningLog(self.place, writes=self.crew.first)
            prior = (yield from self._prior(predictor, log)) if settings.preserve else None
            prompts = request.samples or usual_prompts(self.pictures)
            drawn = bool(request.sample_every) and self.crew.first
            sampler = Sampler(predictor, prompts if drawn else (), settings.seed)
            donors, names = donors_in(
                self.part, self.wide, base.device, base.pipeline.unet.dtype, texts=settings.texts
            )
            recorder = None
            if base.device.type == "cuda" and plan.placement is Placement.GPU:
                recorder = CudaRecorder()
            with predictor.sparing():
                going = teach(
                    predictor, material, donors, names, settings, log.reached, self.crew,
                    prior=prior, recorder=recorder,
                )  # fmt: skip
                return (yield from told_on(going, log, sampler, request.sample_every))

    def _prior(self, predictor: Predictor, log: LearningLog) -> Generator[TeachingStep, None, ClassMaterial]:
        """What the bare base draws of the subject."""
        learnt = [self.pictures.pictures[place].caption for place in self.pictures.learnt]
        words = class_words(class_captions(learnt, self.request.wording), len(learnt))
        if (latents := log.preserved(words)) is None:
            going = class_latents(predictor, words, self.request.settings.seed)
            latents = yield from log.keeping(going, len(words))
        return ClassMaterial(latents, words, predictor.side)


def _surveyed(request: TeachRequest) -> tuple[list[Taken], tuple[LeftOut, ...]]:
    fates = list(survey(request.sources))
    taken = [fate for fate in fates if isinstance(fate, Taken)]
    left_out = tuple(fate for fate in fates if isinstance(fate, LeftOut))
    if not taken:
        reasons = "; ".join(f"{one.path.name}: {one.reason}" for one in left_out[:3])
        raise InvalidRequestError(f"no picture to learn from ({reasons or 'none was given'})")
    return taken, left_out


def _place(bench: Bench, wide: Subspace, request: TeachRequest, pictures: PictureSet) -> Path:
    """The cache of this very teaching: another one begins anew. What is only looked at does not count."""
    told = [bench.engine.base.name, wide.hash, request.name, astuple(request.settings), request.mirrors]
    told += [(one.sha256, one.caption, one.held_out) for one in pictures.pictures]
    return bench.library.root / "cache" / "teaching" / hashlib.sha256(repr(told).encode()).hexdigest()[:24]
