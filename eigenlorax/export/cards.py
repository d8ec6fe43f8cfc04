"""Style cards, out and in: a picture that carries a style."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image, ImageOps

from eigenlorax import __version__
from eigenlorax.easel import Drawing, Easel, of_turn
from eigenlorax.errors import InvalidFileError, InvalidRequestError, SubspaceMismatchError, UnknownStyleError
from eigenlorax.events import retold
from eigenlorax.export.target import bytes_of, free_target
from eigenlorax.infotext import infotext
from eigenlorax.library.atomic import told
from eigenlorax.library.card_content import CardKind
from eigenlorax.library.files import load_subspace
from eigenlorax.library.style_card import StyleCard, pack_card, read_card, save_card
from eigenlorax.recipe import GenerationRequest
from eigenlorax.report.card_picture import card_picture
from eigenlorax.runtime.samplers import name_of
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.subspaces.bench import Bench
from eigenlorax.subspaces.taking import DEFAULT_KEEP, Into, Taken, take_style

MOST_SAMPLES = 3


@dataclass(frozen=True)
class CardExport:
    """A style card to write.

    Attributes:
        name: The style's.
        target: The .png file to write.
        kind: Light is for those who have the same subspace, whole for everyone with the same base.
        prompts: What to draw, one to three; the style's trigger words are put behind each.
        seed: Of all samples.
        steps: Of each sample.
        strength: Of the style.
        pictures: Files to show instead of drawing, one to three.
        replace: Whether a file that is there already may go.
    """

    name: str
    target: Path
    kind: CardKind = CardKind.LIGHT
    prompts: tuple[str, ...] = ("a red apple", "a sailboat", "a cat")
    seed: int = 7
    steps: int = 20
    strength: float = 1.0
    pictures: tuple[Path, ...] = ()
    replace: bool = False

    def check(self) -> None:
        """Raises InvalidRequestError when it cannot be done."""
        if self.target.suffix.lower() != ".png":
            raise InvalidRequestError(f"{self.target.name} is no name of a card: let it end in .png")
        if not 1 <= len(self.pictures or self.prompts) <= MOST_SAMPLES:
            raise InvalidRequestError(f"a card shows one to {MOST_SAMPLES} pictures: give so many")
        free_target(self.target, self.replace)


@dataclass(frozen=True)
class WrittenCard:
    """A card that was written and read back.

    Attributes:
        path: The file.
        picture: What it shows.
        kind: Light or whole.
        carried_bytes: Of what it carries, compressed.
        file_bytes: Of the file.
    """

    path: Path
    picture: Image.Image
    kind: CardKind
    carried_bytes: int
    file_bytes: int


class CardDesk:
    """Writes and takes style cards.

    Args:
        bench: The open studio.
        easel: Draws samples.
    """

    def __init__(self, bench: Bench, easel: Easel) -> None:
        self._bench, self._easel = bench, easel

    def write(self, request: CardExport) -> Generator[Drawing, None, WrittenCard]:
        """Draw samples of a style, unless pictures are given, and write them as a card.

        Raises:
            InvalidRequestError: there are no styles yet, the target is there already, the style is larger
                than a card may be, or a setting is out of range.
            UnknownStyleError: the subspace has no such style.
            InvalidFileError: a given picture is none.
            NotWrittenError: the disk refused; nothing is left.
        """
        request.check()
        with self._bench.lock:
            subspace, styles = self._bench.current.needed(), self._bench.current.styles
            if request.name not in styles:
                raise UnknownStyleError(
                    f"no style named {request.name}; the library holds {', '.join(sorted(styles))}"
                )
            style = styles[request.name]
        content = pack_card(style, subspace, request.kind)
        if request.pictures:
            samples, parameters = [_opened(path) for path in request.pictures], ""
        else:
            samples, parameters = yield from self._drawn(request, style)
        picture = card_picture(
            style.name, style.trigger_words, _facts(request.kind, subspace, len(content)), samples
        )
        with told(free_target(request.target, request.replace)):
            save_card(content, picture, request.target, parameters)
        return WrittenCard(request.target, picture, request.kind, len(content), bytes_of(request.target))

    def take(self, path: Path, into: Into = Into.COLUMNS, keep: float = DEFAULT_KEEP) -> Taken:
        """Bring a card's style into the open subspace.

        Where that has the style's columns, no number changes and `into` and `keep` do not matter; see
        `take_style`. A light card needs its subspace, open or in the library.

        Raises:
            InvalidFileError: no card, or damaged.
            SubspaceMismatchError: a light card of a subspace that is not here.
            WrongBaseError: it was made for another base.
            NotWrittenError: the disk refused; the open version stays.
        """
        with self._bench.lock:
            card = read_card(path)
            home, style = card.unpacked(None if card.facts.kind is CardKind.WHOLE else self._home(card))
            came_by = f"its card {card.facts.sha256[:12]}"
            return take_style(self._bench, home, style, into, keep, came_by)

    def _home(self, card: StyleCard) -> Subspace:
        """The subspace of a light card."""
        facts, here = card.facts, self._bench.current.subspace
        if here is not None and here.hash == facts.subspace:
            return here
        for folder in reversed(self._bench.library.version_folders(self._bench.layout)):
            if folder.name.startswith(f"{facts.subspace[:12]}-"):
                kept = load_subspace(folder / "subspace.safetensors")
                if kept.hash == facts.subspace:
                    return kept
        is_open = f"open is {here.hash[:12]}" if here else "none is open"
        made_for = f" on {facts.base}" if facts.base else ""
        raise SubspaceMismatchError(
            f"{card.file_name} carries {facts.name} for those who have subspace {facts.subspace[:12]}"
            f"{made_for}, and {is_open}: import the bundle that it belongs to, or ask for a whole card"
        )

    def _drawn(
        self, request: CardExport, style: Style
    ) -> Generator[Drawing, None, tuple[list[Image.Image], str]]:
        """Samples, and the text of the first."""
        base, samples, parameters = self._bench.engine.base, list[Image.Image](), ""
        turns = len(request.prompts)
        for turn, prompt in enumerate(request.prompts):
            asked = GenerationRequest(
                ", ".join([prompt, *style.trigger_words]),
                seed=request.seed,
                steps=request.steps,
                width=base.native_size,
                height=base.native_size,
                styles={style.name: request.strength},
            )
            work = self._easel.styled(asked)
            drawn = yield from retold(work, partial(of_turn, turn, turns))
            samples.append(drawn.image)
            extras = {"Model": base.name, "Version": f"EigenLoRAx Studio {__version__}"}
            basis = {"Eigen basis": drawn.basis[:12]} if drawn.basis else {}
            hashes = {style.name: self._bench.library.hashes.short(style.source_sha256)}
            own = name_of(base.pipeline.scheduler)
            parameters = parameters or infotext(asked, own, {**basis, **extras}, hashes)
        return samples, parameters


def _facts(kind: CardKind, subspace: Subspace, size: int) -> Sequence[str]:
    base = subspace.base.name if subspace.base else "its base model"
    goes = f"for subspace {subspace.hash[:12]}" if kind is CardKind.LIGHT else "brings its own columns"
    return ("this picture carries a style", f"{size:,} bytes", goes, base, "drop it into EigenLoRAx Studio")


def _opened(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            return ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InvalidFileError(
            f"{path.name} cannot be read as a picture ({error}): choose another"
        ) from error
