"""The use case of covers: every style drawn at one prompt and seed, so that their pictures compare."""

import hashlib
import json
from collections.abc import Generator
from dataclasses import asdict, dataclass

from PIL import Image

from eigenlorax.easel import Drawn
from eigenlorax.errors import InvalidRequestError
from eigenlorax.library.rendered import RenderedCovers
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.paint import Step
from eigenlorax.studio import Studio
from eigenlorax.subspace.style import Style


@dataclass(frozen=True)
class PreviewWish:
    """What is drawn.

    Attributes:
        prompt: Each style's trigger words are added to it.
        seed: One for all.
        steps: Denoising steps.
        guidance: Classifier-free guidance scale.
        names: Styles; empty for all.
        anew: Also those that have a picture of another kind, or one that was drawn otherwise.
    """

    prompt: str = "a red apple"
    seed: int = 7
    steps: int = 20
    guidance: float = 5.0
    names: tuple[str, ...] = ()
    anew: bool = False


@dataclass(frozen=True)
class PreviewProgress:
    """One more denoising step of one of the pictures.

    Attributes:
        done: Steps so far, of `total`.
        total: Steps of all pictures.
        what: The style that is drawn.
        cover: Its picture, with the event that ends it; None before.
    """

    done: int
    total: int
    what: str
    cover: Image.Image | None = None


def render_previews(
    studio: Studio, wish: PreviewWish
) -> Generator[PreviewProgress, None, dict[str, list[str]]]:
    """Draw covers, and keep each as soon as it is done: what was drawn before a cancel is not drawn again.

    Returns:
        "drawn" and "left": names of styles that got a picture, and of those that had one.

    Raises:
        InvalidRequestError: there is no style, or a setting is out of range.
    """
    styles, covers = studio.styles, RenderedCovers(studio.library.root)
    chosen = [name for name in wish.names or styles if name in styles]
    if not chosen:
        raise InvalidRequestError("there is no style to draw: press Compress first")
    _request(studio, wish, styles[chosen[0]]).check()
    recipes = {name: _recipe(studio, wish, styles[name]) for name in chosen}
    pictured = () if wish.anew else studio.collection.pictured()
    due = [name for name in chosen if name not in pictured and covers.recipe(name) != recipes[name]]
    total, drawn = wish.steps * len(due), list[str]()
    for place, name in enumerate(due):
        painting = studio.easel.styled(_request(studio, wish, styles[name]))
        done = place * wish.steps
        try:
            while True:
                if isinstance(next(painting), Step):
                    done = min(done + 1, (place + 1) * wish.steps)
                    yield PreviewProgress(done, total, name)
        except StopIteration as end:
            picture: Drawn = end.value
        finally:
            painting.close()
        covers.keep(name, picture.image, recipes[name])
        drawn.append(name)
        yield PreviewProgress((place + 1) * wish.steps, total, name, picture.image)
    return {"drawn": drawn, "left": [name for name in chosen if name not in drawn]}


def _request(studio: Studio, wish: PreviewWish, style: Style) -> GenerationRequest:
    side, prompt = studio.base.native_size, ", ".join([wish.prompt, *style.trigger_words])
    return GenerationRequest(prompt, "", wish.seed, wish.steps, wish.guidance, side, side, {style.name: 1.0})


def _recipe(studio: Studio, wish: PreviewWish, style: Style) -> str:
    """Changes whenever the picture would: with what is asked, the model, and the style's numbers."""
    asked = {key: value for key, value in asdict(wish).items() if key not in ("names", "anew")}
    told_by = (
        asked, studio.base.layout_hash, studio.base.name, style.subspace, style.source_sha256,
        list(style.trigger_words), style.fidelity.told, dict(style.notes),
    )  # fmt: skip
    return hashlib.sha256(json.dumps(told_by, sort_keys=True, default=str).encode()).hexdigest()[:24]
