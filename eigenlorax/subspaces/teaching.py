"""A new style of the open subspace, taught from a few pictures: the donors are the styles that are there."""

import hashlib
import shutil
from collections.abc import Generator
from dataclasses import astuple, dataclass
from pathlib import Path

import torch

from eigenlorax.errors import CardFullError, InvalidRequestError
from eigenlorax.runtime.graph import CudaRecorder
from eigenlorax.runtime.hardware import release_cache
from eigenlorax.runtime.learning import LearningNeeds, learning
from eigenlorax.runtime.live import LiveInjection
from eigenlorax.runtime.options import Mode, Placement
from eigenlorax.runtime.plan import Plan
from eigenlorax.runtime.stacking import stack_styles
from eigenlorax.subspace.fit import FitProgress
from eigenlorax.subspace.merge import Part
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.subspaces.bench import Bench
from eigenlorax.subspaces.learning_log import LearningLog, told_on
from eigenlorax.subspaces.learning_room import donors_in, learning_bytes, learning_subspace
from eigenlorax.subspaces.settling import most_error, settled
from eigenlorax.subspaces.taught_style import TEACHING, Lesson, settings_of, style_of, told_as_kept
from eigenlorax.subspaces.teach_request import TaughtStyle, TeachRequest
from eigenlorax.training.captions import captions_of
from eigenlorax.training.crew import ALONE, Crew
from eigenlorax.training.material import PictureMaterial
from eigenlorax.training.picture_set import PictureSet, Preparation, Prepared, Telling, prepare
from eigenlorax.training.pictures import LeftOut, Taken, survey
from eigenlorax.training.predictor import SMALL_SIDE, Predictor
from eigenlorax.training.preservation import ClassMaterial, class_captions, class_latents, class_words
from eigenlorax.training.questions import Questions
from eigenlorax.training.samples import Sampled, Sampler, usual_prompts
from eigenlorax.training.teach import Taught, TeachingStep, teach

__all__ = ["TEACHING", "Making", "Sampled", "TaughtStyle", "TeachRequest", "taught"]

Making = Prepared | FitProgress | TeachingStep | Sampled
"""What teaching tells of while it goes on."""


def taught(bench: Bench, request: TeachRequest, crew: Crew = ALONE) -> Generator[Making, None, TaughtStyle]:
    """Teach a style and open the version that has it.

    The subspace and the styles that are there stay as they are. Where modules have too few columns to learn
    in, the leading directions of the collection that the columns lack are lent for the lesson; of what was
    learnt in those the style keeps as many private ranks as `settled` finds worth it. Holds the studio's
    lock. Closing the generator keeps the open version; what was learnt lies in the cache, and the same
    request goes on from there.

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
        told = settings_of(settings, columns=request.columns, mirrors=request.mirrors)
        home, trigger = part.subspace, request.wording.trigger
        lesson = Lesson(request.name, trigger, engine.base.name, home.hash, pictures, told)
        result, style, error = yield from _Teaching(bench, request, part, wide, lesson, place, crew).run()
        if crew.first:
            bench.swap(home, {**part.styles, request.name: style})
            shutil.rmtree(place, ignore_errors=True)
            style = bench.current.styles[request.name]
        counts = len(pictures.learnt), len(pictures.held)
        return TaughtStyle(style, result, error, counts, pictures.words, left_out)


Learnt = tuple[Taught, Style, float]
"""What was learnt, the style as it is kept, and its error as that."""


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
    lesson: Lesson
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
            material = PictureMaterial(self.lesson.pictures, telling)
            log = LearningLog(self.place, writes=self.crew.first)
            prior = (yield from self._prior(predictor, log)) if settings.preserve else None
            prompts = request.samples or usual_prompts(self.lesson.pictures)
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
                result, last = yield from told_on(going, log, sampler, request.sample_every)
                questions = Questions(predictor, material, settings, self.crew)
                return (result, *self._kept(questions, result, last))

    def _kept(self, questions: Questions, result: Taught, last: Sampled | None) -> tuple[Style, float]:
        """The style as it is kept, the last pictures its cover, and its held-out error."""
        facts, home = self.bench.engine.facts, self.part.subspace

        def error(style: Style) -> float:
            worn = stack_styles(home, [style], self.bench.engine.base.device)
            return self.crew.agreed([questions.held_error(worn)])[0]

        learnt = style_of(self.lesson, self.wide, result, last.images if last is not None else ())
        importance = facts.importance(home.bases)
        style, found = settled(learnt, self.wide, home, importance, error, most_error(result))
        return told_as_kept(style, found), found

    def _prior(self, predictor: Predictor, log: LearningLog) -> Generator[TeachingStep, None, ClassMaterial]:
        """What the bare base draws of the subject."""
        pictures = self.lesson.pictures
        learnt = [pictures.pictures[place].caption for place in pictures.learnt]
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
