"""The use case of looking: styles against their LoRAs in pictures, and pictures along leading components."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from PIL import Image

from eigenlorax.easel import Drawn, Painting
from eigenlorax.errors import InvalidRequestError
from eigenlorax.library.figures import figures_path, keep_figure, load_figures
from eigenlorax.likeness import Distance, StyleLikeness, distance
from eigenlorax.lora import LoRA
from eigenlorax.recipe import GenerationRequest
from eigenlorax.report.picture_parts import ComponentPictures, Trio, percent
from eigenlorax.report.sheet import SheetRow, contact_sheet, stacked
from eigenlorax.runtime.paint import Step
from eigenlorax.studio import Studio
from eigenlorax.subspace.census import Census
from eigenlorax.subspace.components import leading, mixture

_ACROSS = 8


@dataclass(frozen=True)
class Looking:
    """What is drawn.

    Attributes:
        prompts: Each style's trigger words are added to them.
        seeds: Every prompt is drawn with every seed.
        steps: Denoising steps.
        guidance: Classifier-free guidance scale.
    """

    prompts: tuple[str, ...] = ("a red apple", "a sailboat")
    seeds: tuple[int, ...] = (7,)
    steps: int = 20
    guidance: float = 5.0

    def check(self) -> None:
        """Raises InvalidRequestError when there is nothing to draw; each request checks the rest."""
        if not self.seeds or not self.prompts or not all(prompt.strip() for prompt in self.prompts):
            raise InvalidRequestError("there is nothing to draw: give at least one prompt and one seed")


@dataclass(frozen=True)
class LookingProgress:
    """One more denoising step of one of the pictures; `what` says of which."""

    done: int
    total: int
    what: str


@dataclass(frozen=True)
class Compared:
    """Styles beside their LoRAs.

    Attributes:
        figures: Style -> how near its pictures are.
        trios: Style -> its pictures of the first prompt and seed.
        missing: Styles whose LoRA is no longer in the library.
    """

    figures: Mapping[str, StyleLikeness]
    trios: Mapping[str, Trio]
    missing: tuple[str, ...]

    @property
    def sheet(self) -> Image.Image:
        """The originals above the styles, eight in a row, farthest first."""
        names = sorted(self.trios, key=lambda name: -(self.figures[name].relative or 0.0))
        sheets = []
        for start in range(0, len(names), _ACROSS):
            part = names[start : start + _ACROSS]
            trios = [self.trios[name] for name in part]
            labels = [f"{name}  {percent(self.figures[name].relative)}" for name in part]
            rows = [
                SheetRow("no style", [trio.base for trio in trios]),
                SheetRow("original LoRA", [trio.original for trio in trios]),
                SheetRow("style of the\nsubspace", [trio.style for trio in trios]),
            ]
            title = (
                "Original LoRA above style; figures: distance, 100% is as far as no style"
                if not start
                else ""
            )
            sheets.append(contact_sheet(title, labels, rows))
        return stacked(sheets)


def known_figures(studio: Studio) -> dict[str, StyleLikeness]:
    """What was measured of the current styles before, on this base."""
    path = figures_path(studio.library.root, studio.base.layout_hash)
    return load_figures(path, studio.styles, studio.base.name)


def compare_pictures(
    studio: Studio, names: Sequence[str] | None = None, looking: Looking | None = None
) -> Generator[LookingProgress, None, Compared]:
    """Draw base, original LoRA and style at the same prompts and seeds, and tell how far they are apart.

    Each style's figures are kept as soon as they are known, so that what was drawn before a cancel stays.

    Args:
        studio: With a compressed collection; its library keeps the figures.
        names: Styles; by default all of the current subspace.
        looking: What to draw.

    Raises:
        InvalidRequestError: there is no such style, none has its LoRA at hand, or a setting is out of range.
    """
    looking = looking or Looking()
    looking.check()
    styles, easel = studio.styles, studio.easel
    chosen = [name for name in dict.fromkeys(styles if names is None else names) if name in styles]
    loras = {lora.name: lora for lora in studio.originals(chosen)}
    if not loras:
        raise InvalidRequestError("there is nothing to compare: no style that has its LoRA in the library")
    path = figures_path(studio.library.root, studio.base.layout_hash)
    counter = _Counter(3 * len(looking.prompts) * len(looking.seeds) * len(loras), looking.steps)
    figures: dict[str, StyleLikeness] = {}
    trios: dict[str, Trio] = {}
    for name, lora in loras.items():
        drawn: list[Trio] = []
        for request in _requests(studio, looking, styles[name].trigger_words, {name: 1.0}):
            base = yield from counter.draw(f"{name}: no style", easel.bare(request))
            original = yield from counter.draw(f"{name}: original LoRA", easel.lora(request, lora))
            style = yield from counter.draw(f"{name}: style", easel.styled(request))
            drawn.append(Trio(base, original, style))
        figures[name], trios[name] = _figure(drawn, looking), drawn[0]
        keep_figure(path, styles[name], studio.base.name, figures[name])
    return Compared(figures, trios, tuple(name for name in chosen if name not in loras))


def draw_components(
    studio: Studio, census: Census, loras: Sequence[LoRA], looking: Looking | None = None, count: int = 3
) -> Generator[LookingProgress, None, list[ComponentPictures]]:
    """Draw the first prompt and seed at -1, 0 and +1 of each of the `count` leading components.

    One unit is a mixture as strong as the collection's middle LoRA.

    Args:
        studio: Whose model draws.
        census: Of `loras`.
        loras: The originals.
        looking: What to draw.
        count: How many components; fewer where the collection has fewer.
    """
    looking = looking or Looking()
    looking.check()
    request = next(iter(_requests(studio, looking, (), {})))
    components = leading(census, count)
    counter = _Counter(1 + 2 * len(components), looking.steps)
    base = yield from counter.draw("no style", studio.easel.bare(request))
    found = []
    for number, component in enumerate(components, start=1):
        sides = []
        for sign, word in ((-1.0, "minus"), (1.0, "plus")):
            strengths = {name: sign * part for name, part in component.strengths.items()}
            mixed = mixture(f"component {number} {word}", loras, strengths)
            sides.append((yield from counter.draw(mixed.name, studio.easel.lora(request, mixed))))
        found.append(ComponentPictures(component, sides[0], base, sides[1]))
    return found


def _requests(
    studio: Studio, looking: Looking, words: Sequence[str], styles: Mapping[str, float]
) -> list[GenerationRequest]:
    side = studio.base.native_size
    return [
        GenerationRequest(
            ", ".join([prompt, *words]), "", seed, looking.steps, looking.guidance, side, side, styles
        )
        for prompt in looking.prompts
        for seed in looking.seeds
    ]


class _Counter:
    """Draws pictures one after another and counts their steps."""

    def __init__(self, pictures: int, steps: int) -> None:
        self._done, self._total = 0, pictures * steps

    def draw(self, what: str, painting: Painting) -> Generator[LookingProgress, None, Image.Image]:
        try:
            while True:
                if isinstance(next(painting), Step):
                    self._done += 1
                    yield LookingProgress(self._done, self._total, what)
        except StopIteration as end:
            drawn: Drawn = end.value
            return drawn.image
        finally:
            painting.close()


def _figure(drawn: Sequence[Trio], looking: Looking) -> StyleLikeness:
    near: list[Distance] = [distance(trio.original, trio.style) for trio in drawn]
    far: list[Distance] = [distance(trio.original, trio.base) for trio in drawn]
    return StyleLikeness(
        rms=fmean(one.rms for one in near),
        base_rms=fmean(one.rms for one in far),
        ssim=fmean(one.ssim for one in near),
        base_ssim=fmean(one.ssim for one in far),
        prompts=looking.prompts,
        seeds=looking.seeds,
        steps=looking.steps,
    )
