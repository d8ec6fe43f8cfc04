"""The main job without a page: compress a collection, then draw its LoRAs above their styles."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from statistics import median

from PIL import Image

from eigenlorax.events import drain
from eigenlorax.recipe import GenerationRequest
from eigenlorax.report.sheet import SheetRow, contact_sheet
from eigenlorax.studio import Studio, Work
from eigenlorax.subspaces.desk import Compressed

PROMPTS = ("a red apple", "a sailboat")
STEPS = 20
SEED = 7


@dataclass(frozen=True)
class Drawn:
    """One picture of the sheet is there."""

    done: int
    total: int
    label: str


@dataclass(frozen=True)
class Showcase:
    """What the demonstration ends with.

    Attributes:
        sheet: The labelled contact sheet.
        compressed: Styles and bytes.
        switch_ms: Median time of a switch from one style to the next, milliseconds.
        load_ms: Median time of putting an original LoRA in from its file, milliseconds.
    """

    sheet: Image.Image
    compressed: Compressed
    switch_ms: float
    load_ms: float


def draw_showcase(
    studio: Studio, compressed: Compressed, names: Sequence[str], prompts: Sequence[str] = PROMPTS
) -> Generator[Drawn, None, Showcase]:
    """Draw each prompt with the base, with each original LoRA, and with each style below it.

    Args:
        studio: With a current subspace that holds `names`.
        compressed: What compressing returned.
        names: Styles to draw, one column each.
        prompts: Two rows of the sheet each.

    Yields:
        One event per picture.
    """
    total = len(prompts) * (1 + 2 * len(names))
    done = 0
    rows: list[SheetRow] = []
    switches: list[float] = []
    loads: list[float] = []
    for prompt in prompts:
        base = drain(_draw(studio, prompt, None))
        yield Drawn(done := done + 1, total, f"{prompt}: base")
        originals: list[Image.Image | None] = [base.image]
        styled: list[Image.Image | None] = [None]
        for name in names:
            worn = f"{prompt}, {', '.join(compressed.styles[name].trigger_words)}".rstrip(", ")
            original = drain(studio.generate_with_lora(_request(studio, worn, {}), name))
            yield Drawn(done := done + 1, total, f"{worn}: original LoRA")
            style = drain(_draw(studio, worn, name))
            yield Drawn(done := done + 1, total, f"{worn}: style")
            originals.append(original.image)
            styled.append(style.image)
            loads.append(original.switch_ms)
            switches.append(style.switch_ms)
        rows += [SheetRow(f"{prompt}\noriginal LoRA", originals), SheetRow("style of the\nsubspace", styled)]
    ratio = compressed.original_bytes / compressed.stored_bytes
    title = f"{len(compressed.styles)} LoRAs in one subspace, {ratio:.1f}x fewer bytes"
    sheet = contact_sheet(title, ["base", *names], rows)
    return Showcase(sheet, compressed, median(switches), median(loads))


def _draw(studio: Studio, prompt: str, style: str | None) -> Work:
    return studio.generate(_request(studio, prompt, {} if style is None else {style: 1.0}))


def _request(studio: Studio, prompt: str, styles: dict[str, float]) -> GenerationRequest:
    side = studio.base.native_size
    return GenerationRequest(prompt, seed=SEED, steps=STEPS, width=side, height=side, styles=styles)
